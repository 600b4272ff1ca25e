import{a as j}from"./part-QXUQJ4YF.js";import{a as z,b as F}from"./part-RB4HLAUF.js";import{a as N,c as Y}from"./part-3KQDFGPH.js";import{f as P}from"./part-KJCDWMI2.js";import{b as D}from"./part-TSBCM77F.js";import{A as h,I as m,J as w,K as G,L as H,a as r,c,o as e,p as C,r as _,s as I,t as U,u,v as M,w as W,z as g}from"./part-FTO6UAAK.js";import{a as v,d as K}from"./part-MNIK66P6.js";import{b as L,f as x,g as q,i as k,p as O,r as B}from"./part-MXFXPME3.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var ie=4,ce=30,de=18;async function J(l){let f=[...new Set((await B("AccessMarket","AccessPurchased",{twinId:l})).map(i=>i.args.buyer))];return Promise.all(f.map(async i=>({buyer:i,earned:(await O("AccessMarket","balanceOf",l,i))[0]})))}function xe(l){let f,i=[],R=[],S=[],$=null,b=[],T=null,y=[],A=`/patient/0x${l.toString(16)}`;async function Q(){[f,i,R,S,y]=await Promise.all([O("TwinToken","ownerOf",l),v(l),F(l),N(l),J(l)]),P().then(s=>{$=s,H()},()=>{$=[],H()})}let V=s=>w(async()=>{let t=performance.now(),o=await K(g(),l,s);return T={grantee:s,asked:t,recorded:performance.now(),block:o},i=await v(l),e("stop.done")}),X=w(async()=>{if(confirm(e("stop.all.sure")))return await g().send("TwinToken","voidGrants",l),i=await v(l),e("stop.all.done")}),Z=({buyer:s})=>w(async()=>(await g().send("AccessMarket","withdraw",l,s),y=await J(l),e("earnings.done"))),ee=s=>w(async()=>{b=await Y(g(),l,s,q.patient_request,ie),b.length||G(e("signals.none"),""),$=await P()});function te(){let s=g();if(!s)return D();if(s.address!==f)return r`<p class="notice warn">${e("twin.not_yours")}</p>`;let t=i.filter(a=>a.active),o=[...new Map(R.map(a=>[a.model.digest,a])).values()];return r`
      ${T?ne(T):c}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${A}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${t.length?se(t):r`<p data-readers="0">${e("readers.none")}</p>`}
        ${t.length>1?r`<button class="stop" ?disabled=${h()} data-do="stop-all" @click=${X}>${e("stop.all")}</button>`:c}
        ${ae(i.filter(a=>!a.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${o.length?o.map(a=>z(a,R)):r`<p class="card">${e("prediction.none")}</p>`}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:S.length})}</p>
        <div class="row">${[["vitals",x.vitals],["waveform",x.waveform]].map(([a,d])=>r`
          <button ?disabled=${h()} data-look=${a} @click=${ee(d)}>${e("signals.show",{what:u(d)})}</button>`)}</div>
        ${b.length?j(b,k().models.flatMap(a=>a.channels),"my-signals.csv"):c}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${$?re($):r`<p class="loading">${e("looks.checking")}</p>`}</section>
      ${y.length?r`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${e("earnings.title")}</h2><ul>${y.map(a=>r`
        <li class="row"><span>${m(a.buyer)}: <strong>${C(Number(L(a.earned,de)),4)}</strong></span>
          ${a.earned?r`<button ?disabled=${h()} data-do="collect" @click=${Z(a)}>${e("earnings.take")}</button>`:c}</li>`)}</ul></section>`:c}
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${f}</code></p>
        <p>${e("details.contract")} <code>${k().contracts.ConsentRegistry}</code></p>
      </details>
      <p><a class="button" href=${`${A}/erase`}>${e("erase.title")}</a></p>`}let se=s=>r`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(t=>r`<th scope="col">${e(`readers.${t}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${s.map(t=>r`<tr data-reader=${t.grantee}>
      <th scope="row">${m(t.grantee)}</th><td data-label=${e("readers.what")}>${u(t.categories)}</td>
      <td data-label=${e("readers.why")}>${M(t.purposes)}</td><td data-label=${e("readers.until")}>${I(t.expiry)}</td>
      <td data-label=${e("readers.used")}>${oe(t.grantee)}</td>
      <td><button class="stop" ?disabled=${h()} data-do="stop" @click=${V(t.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,ae=s=>s.length?r`<details><summary>${e("readers.past",{count:s.length})}</summary><ul>${s.map(t=>r`
        <li>${m(t.grantee)}: ${e(t.revoked?"readers.stopped":"readers.ended")} (${u(t.categories)})</li>`)}</ul></details>`:c;function oe(s){let t=($??[]).flatMap(o=>o.receipts).filter(o=>o.twin===l&&o.grantee===s&&o.permitted);return t.length?U(Math.max(...t.map(o=>o.time))):e("readers.never")}let ne=({grantee:s,asked:t,recorded:o,block:a})=>r`<div class="notice good" data-closing=${a}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${m(s)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:a,seconds:C((o-t)/1e3,1)})}</li>
      <li>${e("door.keys",{count:k().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function re(s){let t=s.filter(n=>n.problem),o=s.flatMap(n=>n.receipts.map(p=>({receipt:p,witnessed:p.number<n.witnessed}))).filter(({receipt:n})=>n.twin===l),a=new Map;for(let{receipt:n,witnessed:p}of o){let E=a.get(n.request)??{receipts:[],witnessed:!0};a.set(n.request,{receipts:[...E.receipts,n],witnessed:E.witnessed&&p})}let d=[...a.values()].sort((n,p)=>p.receipts[0].time-n.receipts[0].time);return r`
      ${t.map(n=>r`<p class="notice bad" role="alert" data-log=${n.problem}>${e(`log.${n.problem}`)} ${m(n.custodian)}</p>`)}
      ${t.length?c:r`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:s.length,receipts:o.length})}</p>`}
      ${d.length?c:r`<p>${e("looks.none")}</p>`}
      <ul>${d.slice(0,ce).map(({receipts:n,witnessed:p})=>le(n,p))}</ul>`}function le(s,t){let[o]=s,a=s.find(n=>!n.permitted),d=s.filter(n=>n.permitted).length;return r`<li data-look=${d?"permitted":"refused"}>
      <strong>${m(o.grantee)}</strong> ${d?e("looks.saw",{data:u(o.category),purpose:M(o.purpose)}):e("looks.refused",{data:u(o.category),reason:W(a.reason)})}
      <span class="soft">${_(o.time)}</span>
      <span class="mark ${t?"good":"warn"}">${e(t?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:Q,view:te,live:!0}}export{xe as twin};
