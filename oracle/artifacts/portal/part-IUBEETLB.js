import{a as Y}from"./part-CCB5SGZP.js";import{a as j,b as z}from"./part-ZPUZLBI6.js";import{b as I}from"./part-MH5AZAAE.js";import{A as G,D as g,E as w,M as $,N as b,O as U,P as O,a as n,c,e as x,g as B,i as L,s as e,t as _,v as A,w as E,x as W,y as m,z as C}from"./part-YZETIDCH.js";import{a as y,d as K}from"./part-MNIK66P6.js";import{f as T,g as P,i as h,p as q}from"./part-MXFXPME3.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var oe=4,ae=30;function we(l){let k,u=[],v=[],M=[],p=null,f=[],R=null,H=`/patient/0x${l.toString(16)}`;async function D(){[k,u,v,M]=await Promise.all([q("TwinToken","ownerOf",l),y(l),z(l),B(l)]),x().then(s=>{p=s,O()},()=>{p=[],O()})}let F=s=>b(async()=>{let t=performance.now(),o=await K(g(),l,s);return R={grantee:s,asked:t,recorded:performance.now(),block:o},u=await y(l),e("stop.done")}),J=b(async()=>{if(confirm(e("stop.all.sure")))return await g().send("TwinToken","voidGrants",l),u=await y(l),e("stop.all.done")}),N=s=>b(async()=>{f=await L(g(),l,s,P.patient_request,oe),f.length||U(e("signals.none"),""),p=await x()});function Q(){let s=g();if(!s)return I();if(s.address!==k)return n`<p class="notice warn">${e("twin.not_yours")}</p>`;let t=u.filter(r=>r.active),o=[...new Map(v.map(r=>[r.model.digest,r])).values()];return n`
      ${R?ee(R):c}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${e("readers.title")}</h2>
          <a class="button main" href=${`${H}/allow`} data-do="allow">${e("readers.allow")}</a></div>
        ${t.length?V(t):n`<p data-readers="0">${e("readers.none")}</p>`}
        ${t.length>1?n`<button class="stop" ?disabled=${w()} data-do="stop-all" @click=${J}>${e("stop.all")}</button>`:c}
        ${X(u.filter(r=>!r.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${e("prediction.title")}</h2>
        ${o.length?o.map(r=>j(r,v)):n`<p class="card">${e("prediction.none")}</p>`}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${e("signals.title")}</h2>
        <p>${e("signals.lead",{count:M.length})}</p>
        <div class="row">${[["vitals",T.vitals],["waveform",T.waveform]].map(([r,i])=>n`
          <button ?disabled=${w()} data-look=${r} @click=${N(i)}>${e("signals.show",{what:m(i)})}</button>`)}</div>
        ${f.length?Y(f,h().models.flatMap(r=>r.channels),"my-signals.csv"):c}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${e("looks.title")}</h2>${p?te(p):n`<p class="loading">${e("looks.checking")}</p>`}</section>
      <details class="card"><summary>${e("details")}</summary>
        <p>${e("details.twin")} <code>0x${l.toString(16)}</code></p><p>${e("details.owner")} <code>${k}</code></p>
        <p>${e("details.contract")} <code>${h().contracts.ConsentRegistry}</code></p>
      </details>
      <p><a class="button" href=${`${H}/erase`}>${e("erase.title")}</a></p>`}let V=s=>n`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(t=>n`<th scope="col">${e(`readers.${t}`)}</th>`)}<th scope="col"><span class="hidden">${e("stop")}</span></th></tr></thead>
    <tbody>${s.map(t=>n`<tr data-reader=${t.grantee}>
      <th scope="row">${$(t.grantee)}</th><td data-label=${e("readers.what")}>${m(t.categories)}</td>
      <td data-label=${e("readers.why")}>${C(t.purposes)}</td><td data-label=${e("readers.until")}>${E(t.expiry)}</td>
      <td data-label=${e("readers.used")}>${Z(t.grantee)}</td>
      <td><button class="stop" ?disabled=${w()} data-do="stop" @click=${F(t.grantee)}>${e("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,X=s=>s.length?n`<details><summary>${e("readers.past",{count:s.length})}</summary><ul>${s.map(t=>n`
        <li>${$(t.grantee)}: ${e(t.revoked?"readers.stopped":"readers.ended")} (${m(t.categories)})</li>`)}</ul></details>`:c;function Z(s){let t=(p??[]).flatMap(o=>o.receipts).filter(o=>o.twin===l&&o.grantee===s&&o.permitted);return t.length?W(Math.max(...t.map(o=>o.time))):e("readers.never")}let ee=({grantee:s,asked:t,recorded:o,block:r})=>n`<div class="notice good" data-closing=${r}>
    <h2>${e("door.title")}</h2><p>${e("door.lead")} ${$(s)}</p>
    <ol class="steps"><li>${e("door.asked")}</li><li>${e("door.recorded",{block:r,seconds:_((o-t)/1e3,1)})}</li>
      <li>${e("door.keys",{count:h().custodians})}</li></ol>
    <p class="soft">${e("door.limits")}</p></div>`;function te(s){let t=s.filter(a=>a.problem),o=s.flatMap(a=>a.receipts.map(d=>({receipt:d,witnessed:d.number<a.witnessed}))).filter(({receipt:a})=>a.twin===l),r=new Map;for(let{receipt:a,witnessed:d}of o){let S=r.get(a.request)??{receipts:[],witnessed:!0};r.set(a.request,{receipts:[...S.receipts,a],witnessed:S.witnessed&&d})}let i=[...r.values()].sort((a,d)=>d.receipts[0].time-a.receipts[0].time);return n`
      ${t.map(a=>n`<p class="notice bad" role="alert" data-log=${a.problem}>${e(`log.${a.problem}`)} ${$(a.custodian)}</p>`)}
      ${t.length?c:n`<p><span class="mark good" data-verified="true">✓ ${e("looks.verified")}</span> ${e("looks.how",{logs:s.length,receipts:o.length})}</p>`}
      ${i.length?c:n`<p>${e("looks.none")}</p>`}
      <ul>${i.slice(0,ae).map(({receipts:a,witnessed:d})=>se(a,d))}</ul>`}function se(s,t){let[o]=s,r=s.find(a=>!a.permitted),i=s.filter(a=>a.permitted).length;return n`<li data-look=${i?"permitted":"refused"}>
      <strong>${$(o.grantee)}</strong> ${i?e("looks.saw",{data:m(o.category),purpose:C(o.purpose)}):e("looks.refused",{data:m(o.category),reason:G(r.reason)})}
      <span class="soft">${A(o.time)}</span>
      <span class="mark ${t?"good":"warn"}">${e(t?"looks.witnessed":"looks.soon")}</span></li>`}return{title:e("twin.title"),load:D,view:Q}}export{we as twin};
