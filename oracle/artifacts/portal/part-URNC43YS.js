import{a as j,b as J}from"./part-I4H3F4C4.js";import{a as Q,b as V,c as X}from"./part-PBEZ3MM2.js";import{a as z,c as F}from"./part-UGGHKR4Q.js";import{f as P}from"./part-OWYUBT7L.js";import{a as R,d as Y}from"./part-YHF2QVLB.js";import{b as K}from"./part-6CYUYFXM.js";import{A as g,B as f,J as m,K as b,L as S,M as v,a as n,c as d,p as e,q as C,s as N,t as U,u as D,v as $,w as H,x as G}from"./part-LYA4KIAO.js";import{c as W,g as O,h as q,j as k,q as x,s as I}from"./part-YGMIY4FG.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var ge=4,he=30,fe=30*86400,be="/min",we=18;async function Z(l){let h=[...new Set((await I("AccessMarket","AccessPurchased",{twinId:l})).map(c=>c.args.buyer))];return Promise.all(h.map(async c=>({buyer:c,earned:(await x("AccessMarket","balanceOf",l,c))[0]})))}function _e(l){let h,c=[],T=[],A=[],u=null,w=[],M=null,y=[],E=!1,L=`/patient/0x${l.toString(16)}`;async function ee(){[h,c,T,A,y]=await Promise.all([x("TwinToken","ownerOf",l),R(l),X(l),z(l),Z(l)]),P().then(t=>{u=t,v()},()=>{u=[],v()})}let te=t=>b(async()=>{let s=performance.now(),a=await Y(g(),l,t);return M={grantee:t,asked:s,recorded:performance.now(),block:a},c=await R(l),e("stop.done")}),se=b(async()=>{if(confirm(e("stop.all.sure")))return await g().send("TwinToken","voidGrants",l),c=await R(l),e("stop.all.done")}),ae=({buyer:t})=>b(async()=>(await g().send("AccessMarket","withdraw",l,t),y=await Z(l),e("earnings.done"))),oe=t=>b(async()=>{w=await F(g(),l,t,q.patient_request,ge),w.length||S(e("signals.none"),""),u=await P()});function ne(){let t=g();if(!t)return K();if(t.address!==h)return n`<p class="notice warn">${e("twin.not_yours")}</p>`;let s=c.filter(o=>o.active),a=[...new Map(T.map(o=>[o.model.digest,o])).values()];return n`
      ${M?pe(M):d}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${L}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${s.length?ie(s):n`<p data-readers="0">${e("readers.none")}</p>`}
        ${s.length>1?n`<button class="stop" ?disabled=${f()} data-do="stop-all" @click=${se}>${e("stop.all")}</button>`:d}
        ${ce(c.filter(o=>!o.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${a.length?a.map(o=>V(o,T)):n`<p class="card">${e("prediction.none")}</p>`}
        ${a.filter(({answered:o,model:i})=>o&&i.unit===be).slice(0,1).map(le)}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:A.length})}</p>
        <div class="row">${[["vitals",O.vitals],["waveform",O.waveform]].map(([o,i])=>n`
          <button ?disabled=${f()} data-look=${o} @click=${oe(i)}>${e("signals.show",{what:$(i)})}</button>`)}</div>
        ${w.length?J(w,k().models.flatMap(o=>o.channels),"my-signals.csv"):d}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${u?me(u):n`<p class="loading">${e("looks.checking")}</p>`}</section>
      ${y.length?n`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${e("earnings.title")}</h2><ul>${y.map(o=>n`
        <li class="row"><span>${m(o.buyer)}: <strong>${C(Number(W(o.earned,we)),4)}</strong></span>
          ${o.earned?n`<button ?disabled=${f()} data-do="collect" @click=${ae(o)}>${e("earnings.take")}</button>`:d}</li>`)}</ul></section>`:d}
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${h}</code></p>
        <p>${e("details.contract")} <code>${k().contracts.ConsentRegistry}</code></p>
      </details>
      <p><a class="button" href=${`${L}/erase`}>${e("erase.title")}</a></p>`}let _=new WeakSet;function re(t){if(!t||_.has(t))return;_.add(t);let{heart:s}=t.dataset;import("./part-TGKVBA74.js").then(({beat:a})=>a(t,Number(s))).catch(()=>{E=!1,S(e("heart.none"),"bad")})}function le({score:t,model:s}){let a=e("heart.label",{rate:Q(t,s.unit)});return n`<div class="card">${E?n`<div class="chart" role="img" aria-label=${a} data-heart=${t} ${j(re)}></div><p class="soft">${a}</p>`:n`<button data-do="heart" @click=${()=>{E=!0,v()}}>${e("heart.show")}</button>`}</div>`}let ie=t=>n`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(s=>n`<th scope="col">${e(`readers.${s}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${t.map(s=>n`<tr data-reader=${s.grantee}>
      <th scope="row">${m(s.grantee)}</th><td data-label=${e("readers.what")}>${$(s.categories)}</td>
      <td data-label=${e("readers.why")}>${H(s.purposes)}</td><td data-label=${e("readers.until")}>${U(s.expiry)}</td>
      <td data-label=${e("readers.used")}>${de(s.grantee)}</td>
      <td><button class="stop" ?disabled=${f()} data-do="stop" @click=${te(s.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,ce=t=>t.length?n`<details><summary>${e("readers.past",{count:t.length})}</summary><ul>${t.map(s=>n`
        <li>${m(s.grantee)}: ${e(s.revoked?"readers.stopped":"readers.ended")} (${$(s.categories)})</li>`)}</ul></details>`:d;function de(t){let s=(u??[]).flatMap(a=>a.receipts).filter(a=>a.twin===l&&a.grantee===t&&a.permitted);return s.length?D(Math.max(...s.map(a=>a.time))):e("readers.never")}let pe=({grantee:t,asked:s,recorded:a,block:o})=>n`<div class="notice good" data-closing=${o}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${m(t)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:o,seconds:C((a-s)/1e3,1)})}</li>
      <li>${e("door.keys",{count:k().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function me(t){let s=t.filter(r=>r.problem),a=t.flatMap(r=>r.receipts.map(p=>({receipt:p,witnessed:p.number<r.witnessed}))).filter(({receipt:r})=>r.twin===l),o=new Map;for(let{receipt:r,witnessed:p}of a){let B=o.get(r.request)??{receipts:[],witnessed:!0};o.set(r.request,{receipts:[...B.receipts,r],witnessed:B.witnessed&&p})}let i=[...o.values()].sort((r,p)=>p.receipts[0].time-r.receipts[0].time);return n`
      ${s.map(r=>n`<p class="notice bad" role="alert" data-log=${r.problem}>${e(`log.${r.problem}`)} ${m(r.custodian)}</p>`)}
      ${t.length?d:n`<p class="notice bad" role="alert" data-log="none">${e("log.none")}</p>`}
      ${s.length||!t.length?d:n`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:t.length,receipts:a.length})}</p>`}
      ${i.length?n`<p data-month>${ue(i.map(({receipts:r})=>r))}</p>`:n`<p>${e("looks.none")}</p>`}
      <ul>${i.slice(0,he).map(({receipts:r,witnessed:p})=>$e(r,p))}</ul>`}function ue(t){let s=t.filter(([o])=>o.time>Date.now()/1e3-fe),a=s.filter(o=>o.every(i=>!i.permitted)).length;return e("looks.month",{looks:s.length-a,refused:a})}function $e(t,s){let[a]=t,o=t.find(r=>!r.permitted),i=t.filter(r=>r.permitted).length;return n`<li data-look=${i?"permitted":"refused"}>
      <strong>${m(a.grantee)}</strong> ${i?e("looks.saw",{data:$(a.category),purpose:H(a.purpose)}):e("looks.refused",{data:$(a.category),reason:G(o.reason)})}
      <span class="soft">${N(a.time)}</span>
      <span class="mark ${s?"good":"warn"}">${e(s?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:ee,view:ne,live:!0}}export{_e as twin};
