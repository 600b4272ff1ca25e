import{a as j}from"./part-NO4SLXX2.js";import{a as z,b as F}from"./part-IEEDBICE.js";import{a as N,c as Y}from"./part-D6NNL6WT.js";import{f as P}from"./part-QXD2NTHX.js";import{b as D}from"./part-PAUAVR46.js";import{A as h,I as m,J as b,K as G,L as H,a as n,c,o as e,p as C,r as _,s as I,t as U,u,v as M,w as W,z as g}from"./part-GR3DUN5J.js";import{a as v,d as K}from"./part-N33M6WSK.js";import{c as L,g as x,h as q,j as k,q as O,s as B}from"./part-JZP5SRAI.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var ie=4,ce=30,de=18;async function J(l){let f=[...new Set((await B("AccessMarket","AccessPurchased",{twinId:l})).map(i=>i.args.buyer))];return Promise.all(f.map(async i=>({buyer:i,earned:(await O("AccessMarket","balanceOf",l,i))[0]})))}function xe(l){let f,i=[],R=[],S=[],$=null,w=[],T=null,y=[],A=`/patient/0x${l.toString(16)}`;async function Q(){[f,i,R,S,y]=await Promise.all([O("TwinToken","ownerOf",l),v(l),F(l),N(l),J(l)]),P().then(t=>{$=t,H()},()=>{$=[],H()})}let V=t=>b(async()=>{let s=performance.now(),o=await K(g(),l,t);return T={grantee:t,asked:s,recorded:performance.now(),block:o},i=await v(l),e("stop.done")}),X=b(async()=>{if(confirm(e("stop.all.sure")))return await g().send("TwinToken","voidGrants",l),i=await v(l),e("stop.all.done")}),Z=({buyer:t})=>b(async()=>(await g().send("AccessMarket","withdraw",l,t),y=await J(l),e("earnings.done"))),ee=t=>b(async()=>{w=await Y(g(),l,t,q.patient_request,ie),w.length||G(e("signals.none"),""),$=await P()});function te(){let t=g();if(!t)return D();if(t.address!==f)return n`<p class="notice warn">${e("twin.not_yours")}</p>`;let s=i.filter(a=>a.active),o=[...new Map(R.map(a=>[a.model.digest,a])).values()];return n`
      ${T?ne(T):c}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${A}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${s.length?se(s):n`<p data-readers="0">${e("readers.none")}</p>`}
        ${s.length>1?n`<button class="stop" ?disabled=${h()} data-do="stop-all" @click=${X}>${e("stop.all")}</button>`:c}
        ${ae(i.filter(a=>!a.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${o.length?o.map(a=>z(a,R)):n`<p class="card">${e("prediction.none")}</p>`}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:S.length})}</p>
        <div class="row">${[["vitals",x.vitals],["waveform",x.waveform]].map(([a,d])=>n`
          <button ?disabled=${h()} data-look=${a} @click=${ee(d)}>${e("signals.show",{what:u(d)})}</button>`)}</div>
        ${w.length?j(w,k().models.flatMap(a=>a.channels),"my-signals.csv"):c}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${$?re($):n`<p class="loading">${e("looks.checking")}</p>`}</section>
      ${y.length?n`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${e("earnings.title")}</h2><ul>${y.map(a=>n`
        <li class="row"><span>${m(a.buyer)}: <strong>${C(Number(L(a.earned,de)),4)}</strong></span>
          ${a.earned?n`<button ?disabled=${h()} data-do="collect" @click=${Z(a)}>${e("earnings.take")}</button>`:c}</li>`)}</ul></section>`:c}
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${f}</code></p>
        <p>${e("details.contract")} <code>${k().contracts.ConsentRegistry}</code></p>
      </details>
      <p><a class="button" href=${`${A}/erase`}>${e("erase.title")}</a></p>`}let se=t=>n`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(s=>n`<th scope="col">${e(`readers.${s}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${t.map(s=>n`<tr data-reader=${s.grantee}>
      <th scope="row">${m(s.grantee)}</th><td data-label=${e("readers.what")}>${u(s.categories)}</td>
      <td data-label=${e("readers.why")}>${M(s.purposes)}</td><td data-label=${e("readers.until")}>${I(s.expiry)}</td>
      <td data-label=${e("readers.used")}>${oe(s.grantee)}</td>
      <td><button class="stop" ?disabled=${h()} data-do="stop" @click=${V(s.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,ae=t=>t.length?n`<details><summary>${e("readers.past",{count:t.length})}</summary><ul>${t.map(s=>n`
        <li>${m(s.grantee)}: ${e(s.revoked?"readers.stopped":"readers.ended")} (${u(s.categories)})</li>`)}</ul></details>`:c;function oe(t){let s=($??[]).flatMap(o=>o.receipts).filter(o=>o.twin===l&&o.grantee===t&&o.permitted);return s.length?U(Math.max(...s.map(o=>o.time))):e("readers.never")}let ne=({grantee:t,asked:s,recorded:o,block:a})=>n`<div class="notice good" data-closing=${a}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${m(t)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:a,seconds:C((o-s)/1e3,1)})}</li>
      <li>${e("door.keys",{count:k().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function re(t){let s=t.filter(r=>r.problem),o=t.flatMap(r=>r.receipts.map(p=>({receipt:p,witnessed:p.number<r.witnessed}))).filter(({receipt:r})=>r.twin===l),a=new Map;for(let{receipt:r,witnessed:p}of o){let E=a.get(r.request)??{receipts:[],witnessed:!0};a.set(r.request,{receipts:[...E.receipts,r],witnessed:E.witnessed&&p})}let d=[...a.values()].sort((r,p)=>p.receipts[0].time-r.receipts[0].time);return n`
      ${s.map(r=>n`<p class="notice bad" role="alert" data-log=${r.problem}>${e(`log.${r.problem}`)} ${m(r.custodian)}</p>`)}
      ${t.length?c:n`<p class="notice bad" role="alert" data-log="none">${e("log.none")}</p>`}
      ${s.length||!t.length?c:n`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:t.length,receipts:o.length})}</p>`}
      ${d.length?c:n`<p>${e("looks.none")}</p>`}
      <ul>${d.slice(0,ce).map(({receipts:r,witnessed:p})=>le(r,p))}</ul>`}function le(t,s){let[o]=t,a=t.find(r=>!r.permitted),d=t.filter(r=>r.permitted).length;return n`<li data-look=${d?"permitted":"refused"}>
      <strong>${m(o.grantee)}</strong> ${d?e("looks.saw",{data:u(o.category),purpose:M(o.purpose)}):e("looks.refused",{data:u(o.category),reason:W(a.reason)})}
      <span class="soft">${_(o.time)}</span>
      <span class="mark ${s?"good":"warn"}">${e(s?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:Q,view:te,live:!0}}export{xe as twin};
