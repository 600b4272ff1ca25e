import{a as K}from"./part-XFJSP3YE.js";import{a as Y,b as j}from"./part-ZHBWDFVG.js";import{b as U}from"./part-AYBSRPS3.js";import{C as g,D as w,L as $,M as b,N as G,O,a as r,c,e as x,g as q,i as B,r as e,s as L,u as _,v as A,w as E,x as m,y as C,z as W}from"./part-KGHKEXC4.js";import{a as y,d as I}from"./part-L6HDIBEW.js";import{f as T,g as S,i as h,p as P}from"./part-N4S5DP35.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var oe=4,ae=30;function we(l){let k,u=[],v=[],M=[],p=null,f=[],R=null,z=`/patient/0x${l.toString(16)}`;async function D(){[k,u,v,M]=await Promise.all([P("TwinToken","ownerOf",l),y(l),j(l),q(l)]),x().then(s=>{p=s,O()},()=>{p=[],O()})}let F=s=>b(async()=>{let t=performance.now(),o=await I(g(),l,s);return R={grantee:s,asked:t,recorded:performance.now(),block:o},u=await y(l),e("stop.done")}),J=b(async()=>{if(confirm(e("stop.all.sure")))return await g().send("TwinToken","voidGrants",l),u=await y(l),e("stop.all.done")}),N=s=>b(async()=>{f=await B(g(),l,s,S.patient_request,oe),f.length||G(e("signals.none"),""),p=await x()});function Q(){let s=g();if(!s)return U();if(s.address!==k)return r`<p class="notice warn">${e("twin.not_yours")}</p>`;let t=u.filter(n=>n.active),o=[...new Map(v.map(n=>[n.model.digest,n])).values()];return r`
      ${R?ee(R):c}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${z}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${t.length?V(t):r`<p data-readers="0">${e("readers.none")}</p>`}
        ${t.length>1?r`<button class="stop" ?disabled=${w()} data-do="stop-all" @click=${J}>${e("stop.all")}</button>`:c}
        ${X(u.filter(n=>!n.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${o.length?o.map(n=>Y(n,v)):r`<p class="card">${e("prediction.none")}</p>`}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:M.length})}</p>
        <div class="row">${[["vitals",T.vitals],["waveform",T.waveform]].map(([n,i])=>r`
          <button ?disabled=${w()} data-look=${n} @click=${N(i)}>${e("signals.show",{what:m(i)})}</button>`)}</div>
        ${f.length?K(f,h().models.flatMap(n=>n.channels),"my-signals.csv"):c}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${p?te(p):r`<p class="loading">${e("looks.checking")}</p>`}</section>
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${k}</code></p>
        <p>${e("details.contract")} <code>${h().contracts.ConsentRegistry}</code></p>
      </details>`}let V=s=>r`<div class="scroll" tabindex="0"><table>
    <thead><tr>${["who","what","why","until","used"].map(t=>r`<th scope="col">${e(`readers.${t}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${s.map(t=>r`<tr data-reader=${t.grantee}>
      <th scope="row">${$(t.grantee)}</th><td>${m(t.categories)}</td><td>${C(t.purposes)}</td>
      <td>${A(t.expiry)}</td><td>${Z(t.grantee)}</td>
      <td><button class="stop" ?disabled=${w()} data-do="stop" @click=${F(t.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,X=s=>s.length?r`<details><summary>${e("readers.past",{count:s.length})}</summary><ul>${s.map(t=>r`
        <li>${$(t.grantee)}: ${e(t.revoked?"readers.stopped":"readers.ended")} (${m(t.categories)})</li>`)}</ul></details>`:c;function Z(s){let t=(p??[]).flatMap(o=>o.receipts).filter(o=>o.twin===l&&o.grantee===s&&o.permitted);return t.length?E(Math.max(...t.map(o=>o.time))):e("readers.never")}let ee=({grantee:s,asked:t,recorded:o,block:n})=>r`<div class="notice good" data-closing=${n}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${$(s)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:n,seconds:L((o-t)/1e3,1)})}</li>
      <li>${e("door.keys",{count:h().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function te(s){let t=s.filter(a=>a.problem),o=s.flatMap(a=>a.receipts.map(d=>({receipt:d,witnessed:d.number<a.witnessed}))).filter(({receipt:a})=>a.twin===l),n=new Map;for(let{receipt:a,witnessed:d}of o){let H=n.get(a.request)??{receipts:[],witnessed:!0};n.set(a.request,{receipts:[...H.receipts,a],witnessed:H.witnessed&&d})}let i=[...n.values()].sort((a,d)=>d.receipts[0].time-a.receipts[0].time);return r`
      ${t.map(a=>r`<p class="notice bad" role="alert" data-log=${a.problem}>${e(`log.${a.problem}`)} ${$(a.custodian)}</p>`)}
      ${t.length?c:r`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:s.length,receipts:o.length})}</p>`}
      ${i.length?c:r`<p>${e("looks.none")}</p>`}
      <ul>${i.slice(0,ae).map(({receipts:a,witnessed:d})=>se(a,d))}</ul>`}function se(s,t){let[o]=s,n=s.find(a=>!a.permitted),i=s.filter(a=>a.permitted).length;return r`<li data-look=${i?"permitted":"refused"}>
      <strong>${$(o.grantee)}</strong> ${i?e("looks.saw",{data:m(o.category),purpose:C(o.purpose)}):e("looks.refused",{data:m(o.category),reason:W(n.reason)})}
      <span class="soft">${_(o.time)}</span>
      <span class="mark ${t?"good":"warn"}">${e(t?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:D,view:Q}}export{we as twin};
