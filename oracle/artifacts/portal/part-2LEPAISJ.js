import{a as F,b as J}from"./part-3DNTJKSK.js";import{a as Q,b as V,c as X}from"./part-WNC52N2R.js";import{a as R,d as Y}from"./part-TCWFKUZQ.js";import{b as j,d as z}from"./part-RN7T7I2E.js";import{f as A}from"./part-VRLZWPJR.js";import{b as K}from"./part-7CYA6DBN.js";import{A as g,B as h,J as m,K as b,L as P,M as v,a as n,c as d,p as e,q as H,s as N,t as U,u as D,v as u,w as S,x as G}from"./part-VLBBUXKN.js";import{c as W,h as x,i as q,k,r as C,t as I}from"./part-G63Q5EEK.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var ge=4,fe=30,he=30*86400,be="/min",we=18;async function Z(l){let f=[...new Set((await I("AccessMarket","AccessPurchased",{twinId:l})).map(c=>c.args.buyer))];return Promise.all(f.map(async c=>({buyer:c,earned:(await C("AccessMarket","balanceOf",l,c))[0]})))}function _e(l){let f,c=[],T=[],L=[],$=null,w=[],M=null,y=[],E=!1,O=`/patient/0x${l.toString(16)}`;async function ee(){[f,c,T,L,y]=await Promise.all([C("TwinToken","ownerOf",l),R(l),X(l),j(l),Z(l)]),A().then(t=>{$=t,v()},()=>{$=[],v()})}let te=t=>b(async()=>{let s=performance.now(),a=await Y(g(),l,t);return M={grantee:t,asked:s,recorded:performance.now(),block:a},c=await R(l),e("stop.done")}),se=b(async()=>{if(confirm(e("stop.all.sure")))return await g().send("TwinToken","voidGrants",l),c=await R(l),e("stop.all.done")}),ae=({buyer:t})=>b(async()=>(await g().send("AccessMarket","withdraw",l,t),y=await Z(l),e("earnings.done"))),oe=t=>b(async()=>{w=await z(g(),l,t,q.patient_request,ge),w.length||P(e("signals.none"),""),$=await A()});function ne(){let t=g();if(!t)return K();if(t.address!==f)return n`<p class="notice warn">${e("twin.not_yours")}</p>`;let s=c.filter(o=>o.active),a=[...new Map(T.map(o=>[o.model.digest,o])).values()];return n`
      ${M?pe(M):d}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${O}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${s.length?ie(s):n`<p data-readers="0">${e("readers.none")}</p>`}
        ${s.length>1?n`<button class="stop" ?disabled=${h()} data-do="stop-all" @click=${se}>${e("stop.all")}</button>`:d}
        ${ce(c.filter(o=>!o.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${a.length?a.map(o=>V(o,T)):n`<p class="card">${e("prediction.none")}</p>`}
        ${a.filter(({answered:o,model:i})=>o&&i.unit===be).slice(0,1).map(le)}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:L.length})}</p>
        <div class="row">${[["vitals",x.vitals],["waveform",x.waveform]].map(([o,i])=>n`
          <button ?disabled=${h()} data-look=${o} @click=${oe(i)}>${e("signals.show",{what:u(i)})}</button>`)}</div>
        ${w.length?J(w,k().models.flatMap(o=>o.channels),"my-signals.csv"):d}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${$?me($):n`<p class="loading">${e("looks.checking")}</p>`}</section>
      ${y.length?n`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${e("earnings.title")}</h2><ul>${y.map(o=>n`
        <li class="row"><span>${m(o.buyer)}: <strong>${H(Number(W(o.earned,we)),4)}</strong></span>
          ${o.earned?n`<button ?disabled=${h()} data-do="collect" @click=${ae(o)}>${e("earnings.take")}</button>`:d}</li>`)}</ul></section>`:d}
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${f}</code></p>
        <p>${e("details.contract")} <code>${k().contracts.ConsentRegistry}</code></p>
      </details>
      <p class="row"><a class="button" href=${`${O}/offer`}>${e("offer.title")}</a> <a class="button" href=${`${O}/erase`}>${e("erase.title")}</a></p>`}let _=new WeakSet;function re(t){if(!t||_.has(t))return;_.add(t);let{heart:s}=t.dataset;import("./part-TGKVBA74.js").then(({beat:a})=>a(t,Number(s))).catch(()=>{E=!1,P(e("heart.none"),"bad")})}function le({score:t,model:s}){let a=e("heart.label",{rate:Q(t,s.unit)});return n`<div class="card">${E?n`<div class="chart" role="img" aria-label=${a} data-heart=${t} ${F(re)}></div><p class="soft">${a}</p>`:n`<button data-do="heart" @click=${()=>{E=!0,v()}}>${e("heart.show")}</button>`}</div>`}let ie=t=>n`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(s=>n`<th scope="col">${e(`readers.${s}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${t.map(s=>n`<tr data-reader=${s.grantee}>
      <th scope="row">${m(s.grantee)}</th><td data-label=${e("readers.what")}>${u(s.categories)}</td>
      <td data-label=${e("readers.why")}>${S(s.purposes)}</td><td data-label=${e("readers.until")}>${U(s.expiry)}</td>
      <td data-label=${e("readers.used")}>${de(s.grantee)}</td>
      <td><button class="stop" ?disabled=${h()} data-do="stop" @click=${te(s.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,ce=t=>t.length?n`<details><summary>${e("readers.past",{count:t.length})}</summary><ul>${t.map(s=>n`
        <li>${m(s.grantee)}: ${e(s.revoked?"readers.stopped":"readers.ended")} (${u(s.categories)})</li>`)}</ul></details>`:d;function de(t){let s=($??[]).flatMap(a=>a.receipts).filter(a=>a.twin===l&&a.grantee===t&&a.permitted);return s.length?D(Math.max(...s.map(a=>a.time))):e("readers.never")}let pe=({grantee:t,asked:s,recorded:a,block:o})=>n`<div class="notice good" data-closing=${o}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${m(t)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:o,seconds:H((a-s)/1e3,1)})}</li>
      <li>${e("door.keys",{count:k().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function me(t){let s=t.filter(r=>r.problem),a=t.flatMap(r=>r.receipts.map(p=>({receipt:p,witnessed:p.number<r.witnessed}))).filter(({receipt:r})=>r.twin===l),o=new Map;for(let{receipt:r,witnessed:p}of a){let B=o.get(r.request)??{receipts:[],witnessed:!0};o.set(r.request,{receipts:[...B.receipts,r],witnessed:B.witnessed&&p})}let i=[...o.values()].sort((r,p)=>p.receipts[0].time-r.receipts[0].time);return n`
      ${s.map(r=>n`<p class="notice bad" role="alert" data-log=${r.problem}>${e(`log.${r.problem}`)} ${m(r.custodian)}</p>`)}
      ${t.length?d:n`<p class="notice bad" role="alert" data-log="none">${e("log.none")}</p>`}
      ${s.length||!t.length?d:n`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:t.length,receipts:a.length})}</p>`}
      ${i.length?n`<p data-month>${$e(i.map(({receipts:r})=>r))}</p>`:n`<p>${e("looks.none")}</p>`}
      <ul>${i.slice(0,fe).map(({receipts:r,witnessed:p})=>ue(r,p))}</ul>`}function $e(t){let s=t.filter(([o])=>o.time>Date.now()/1e3-he),a=s.filter(o=>o.every(i=>!i.permitted)).length;return e("looks.month",{looks:s.length-a,refused:a})}function ue(t,s){let[a]=t,o=t.find(r=>!r.permitted),i=t.filter(r=>r.permitted).length;return n`<li data-look=${i?"permitted":"refused"}>
      <strong>${m(a.grantee)}</strong> ${i?e("looks.saw",{data:u(a.category),purpose:S(a.purpose)}):e("looks.refused",{data:u(a.category),reason:G(o.reason)})}
      <span class="soft">${N(a.time)}</span>
      <span class="mark ${s?"good":"warn"}">${e(s?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:ee,view:ne,live:!0}}export{_e as twin};
