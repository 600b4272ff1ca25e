import{a as ee,b as te}from"./part-QV4BHTHF.js";import{a as se,b as ae,c as oe}from"./part-FXXBZNNQ.js";import{a as ie,b as y,g as de}from"./part-K7XVFRHH.js";import{a as re,b as x,e as le}from"./part-2WXHC5JN.js";import{a as ne,c as W}from"./part-SIXGEI6Z.js";import{a as O,d as V}from"./part-7UGPZRZB.js";import{g as L,h as X,k as Z}from"./part-DJXACNGV.js";import{b as Q}from"./part-BIDOS7N3.js";import{C as F,E as u,F as g,J,N as p,P as h,Q as B,R,a as o,c,p as e,q as A,s as w,t as Y,u as j,v as $,w as U,x as z}from"./part-CQ7UAHZ3.js";import{A as K,d as D,j as H,k as G,r as T,y as S}from"./part-RENKOAWL.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";async function pe(l){await ne();let[m,s]=await Promise.all([ie(l),re({twinId:l})]);return{uses:m,cases:s}}function me({uses:l,cases:m}){return!l.length&&!m.length?c:o`<section class="card" aria-labelledby="told"><h2 id="told">${e("told.title")}</h2>
    ${l.map(s=>o`<div class="notice ${y(s)?"bad":""}" data-told-use=${y(s)?"open":"over"}>
      <p><strong>${e("told.emergency",{reason:F(s.reason)})}</strong> ${p(s.clinician)}, ${p(s.second)}. ${e("told.opened",{data:$(s.categories),when:w(s.opened)})}
        ${y(s)?e("time.left",{left:W(s.expiry)}):e("told.over")}</p>
      <p>${s.review==="pending"?e("told.review",{when:w(s.reviewBy)}):e(`told.${s.review}`)}</p>
      ${y(s)?o`<button class="stop" ?disabled=${g()} data-do="end-use" @click=${ce(()=>de(u(),s))}>${e("told.end")}</button>`:c}</div>`)}
    ${m.map(s=>o`<div class="notice" data-told-case=${x(s)?"open":"over"}>
      <p><strong>${e("told.case")}</strong> ${p(s.from)} → ${p(s.to)}. ${e("told.opened",{data:$(s.categories),when:w(s.opened)})}
        ${x(s)?e("time.left",{left:W(s.expiry)}):e("told.over")}</p>
      ${x(s)?o`<button class="stop" ?disabled=${g()} data-do="end-case" @click=${ce(()=>le(u(),s,!1))}>${e("told.end")}</button>`:c}</div>`)}
  </section>`}var ce=l=>h(async()=>(await l(),await J(),e("told.ended")));var Ee=4,Pe=30,He=30*86400,Se="/min",Ae=18;async function $e(l){let m=[...new Set((await K("AccessMarket","AccessPurchased",{twinId:l})).map(s=>s.args.buyer))];return Promise.all(m.map(async s=>({buyer:s,earned:(await S("AccessMarket","balanceOf",l,s))[0]})))}function at(l){let m,s=[],C=[],_=[],b=null,v=[],M=null,k=[],E=!1,I={uses:[],cases:[]},P=`/patient/0x${l.toString(16)}`;async function ue(){[m,s,C,_,k,I]=await Promise.all([S("TwinToken","ownerOf",l),O(l),oe(l),X(l),$e(l),pe(l)]),L().then(t=>{b=t,R()},()=>{b=[],R()})}let fe=t=>h(async()=>{let a=performance.now(),n=await V(u(),l,t);return M={grantee:t,asked:a,recorded:performance.now(),block:n},s=await O(l),e("stop.done")}),ge=h(async()=>{if(confirm(e("stop.all.sure")))return await u().send("TwinToken","voidGrants",l),s=await O(l),e("stop.all.done")}),he=({buyer:t})=>h(async()=>(await u().send("AccessMarket","withdraw",l,t),k=await $e(l),e("earnings.done"))),be=t=>h(async()=>{v=await Z(u(),l,t,G.patient_request,Ee),v.length||B(e("signals.none"),""),b=await L()});function we(){let t=u();if(!t)return Q();if(t.address!==m)return o`<p class="notice warn">${e("twin.not_yours")}</p>`;let a=s.filter(r=>r.active),n=[...new Map(C.map(r=>[r.model.digest,r])).values()];return o`
      ${M?Oe(M):c}
      ${me(I)}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${P}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${a.length?ke(a):o`<p data-readers="0">${e("readers.none")}</p>`}
        ${a.length>1?o`<button class="stop" ?disabled=${g()} data-do="stop-all" @click=${ge}>${e("stop.all")}</button>`:c}
        ${Te(s.filter(r=>!r.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${n.length?n.map(r=>ae(r,C)):o`<p class="card">${e("prediction.none")}</p>`}
        ${n.filter(({answered:r,model:d})=>r&&d.unit===Se).slice(0,1).map(ve)}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:_.length})}</p>
        <div class="row">${[["vitals",H.vitals],["waveform",H.waveform]].map(([r,d])=>o`
          <button ?disabled=${g()} data-look=${r} @click=${be(d)}>${e("signals.show",{what:$(d)})}</button>`)}</div>
        ${v.length?te(v,T().models.flatMap(r=>r.channels),"my-signals.csv"):c}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${b?xe(b):o`<p class="loading">${e("looks.checking")}</p>`}</section>
      ${k.length?o`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${e("earnings.title")}</h2><ul>${k.map(r=>o`
        <li class="row"><span>${p(r.buyer)}: <strong>${A(Number(D(r.earned,Ae)),4)}</strong></span>
          ${r.earned?o`<button ?disabled=${g()} data-do="collect" @click=${he(r)}>${e("earnings.take")}</button>`:c}</li>`)}</ul></section>`:c}
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${m}</code></p>
        <p>${e("details.contract")} <code>${T().contracts.ConsentRegistry}</code></p>
      </details>
      <p class="row"><a class="button" href=${`${P}/offer`}>${e("offer.title")}</a> <a class="button" href=${`${P}/erase`}>${e("erase.title")}</a></p>`}let q=new WeakSet;function ye(t){if(!t||q.has(t))return;q.add(t);let{heart:a}=t.dataset;import("./part-TGKVBA74.js").then(({beat:n})=>n(t,Number(a))).catch(()=>{E=!1,B(e("heart.none"),"bad")})}function ve({score:t,model:a}){let n=e("heart.label",{rate:se(t,a.unit)});return o`<div class="card">${E?o`<div class="chart" role="img" aria-label=${n} data-heart=${t} ${ee(ye)}></div><p class="soft">${n}</p>`:o`<button data-do="heart" @click=${()=>{E=!0,R()}}>${e("heart.show")}</button>`}</div>`}let ke=t=>o`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(a=>o`<th scope="col">${e(`readers.${a}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${t.map(a=>o`<tr data-reader=${a.grantee}>
      <th scope="row">${p(a.grantee)}</th><td data-label=${e("readers.what")}>${$(a.categories)}</td>
      <td data-label=${e("readers.why")}>${U(a.purposes)}</td><td data-label=${e("readers.until")}>${Y(a.expiry)}</td>
      <td data-label=${e("readers.used")}>${Re(a.grantee)}</td>
      <td><button class="stop" ?disabled=${g()} data-do="stop" @click=${fe(a.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,Te=t=>t.length?o`<details><summary>${e("readers.past",{count:t.length})}</summary><ul>${t.map(a=>o`
        <li>${p(a.grantee)}: ${e(a.revoked?"readers.stopped":"readers.ended")} (${$(a.categories)})</li>`)}</ul></details>`:c;function Re(t){let a=(b??[]).flatMap(n=>n.receipts).filter(n=>n.twin===l&&n.grantee===t&&n.permitted);return a.length?j(Math.max(...a.map(n=>n.time))):e("readers.never")}let Oe=({grantee:t,asked:a,recorded:n,block:r})=>o`<div class="notice good" data-closing=${r}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${p(t)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:r,seconds:A((n-a)/1e3,1)})}</li>
      <li>${e("door.keys",{count:T().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function xe(t){let a=t.filter(i=>i.problem),n=t.flatMap(i=>i.receipts.map(f=>({receipt:f,witnessed:f.number<i.witnessed}))).filter(({receipt:i})=>i.twin===l),r=new Map;for(let{receipt:i,witnessed:f}of n){let N=r.get(i.request)??{receipts:[],witnessed:!0};r.set(i.request,{receipts:[...N.receipts,i],witnessed:N.witnessed&&f})}let d=[...r.values()].sort((i,f)=>f.receipts[0].time-i.receipts[0].time);return o`
      ${a.map(i=>o`<p class="notice bad" role="alert" data-log=${i.problem}>${e(`log.${i.problem}`)} ${p(i.custodian)}</p>`)}
      ${t.length?c:o`<p class="notice bad" role="alert" data-log="none">${e("log.none")}</p>`}
      ${a.length||!t.length?c:o`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:t.length,receipts:n.length})}</p>`}
      ${d.length?o`<p data-month>${Ce(d.map(({receipts:i})=>i))}</p>`:o`<p>${e("looks.none")}</p>`}
      <ul>${d.slice(0,Pe).map(({receipts:i,witnessed:f})=>Me(i,f))}</ul>`}function Ce(t){let a=t.filter(([r])=>r.time>Date.now()/1e3-He),n=a.filter(r=>r.every(d=>!d.permitted)).length;return e("looks.month",{looks:a.length-n,refused:n})}function Me(t,a){let[n]=t,r=t.find(i=>!i.permitted),d=t.filter(i=>i.permitted).length;return o`<li data-look=${d?"permitted":"refused"}>
      <strong>${p(n.grantee)}</strong> ${d?e("looks.saw",{data:$(n.category),purpose:U(n.purpose)}):e("looks.refused",{data:$(n.category),reason:z(r.reason)})}
      <span class="soft">${w(n.time)}</span>
      <span class="mark ${a?"good":"warn"}">${e(a?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:ue,view:we,live:!0}}export{at as twin};
