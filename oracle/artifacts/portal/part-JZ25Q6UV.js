import{a as et,b as at}from"./part-YIVBQNDQ.js";import{a as ot,c as nt,d as rt,e as it,f as lt,g as ct,j as ft}from"./part-G7ADTYYU.js";import"./part-45YKK2BA.js";import{a as st}from"./part-WZL3CG7P.js";import{b as C}from"./part-Q6QAVICP.js";import{a as pt,b as E,e as mt}from"./part-7RHW2UIY.js";import{a as $t,b as k,g as ut}from"./part-STRRHUB2.js";import{a as dt,c as B}from"./part-YOEED3VV.js";import{a as P,d as Z}from"./part-TZN7C2TG.js";import"./part-L4DFCQIV.js";import{h as tt}from"./part-S4LMAYUN.js";import{b as X}from"./part-56EJ6JZL.js";import{D as J,F as f,G as h,K as Q,O as $,Q as y,R as _,S as x,a as n,c as p,o as K,q as t,r as I,t as v,u as V,v as z,w as g,x as L,y as F}from"./part-KCCALTX3.js";import{B as j,d as Y,j as S,k as A,r as O,y as U}from"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var _t=3,Bt={en:()=>import("./part-K7N7AIJL.js"),ar:()=>import("./part-XYN2JRPH.js")};async function gt(r){let{default:c}=await Bt[K]();if(r.reason)return[c["none.patient"]];let s=rt(r).slice(0,_t).map(u=>Nt(u,c));return s.length?[...new Set(s)]:[c.nothing]}function Nt({feature:r,value:c,contribution:s},u){let m=u[`part.patient${c===null?".missing":""}.${s>0?"up":"down"}`].replace("{feature}",qt(r,u));return m.charAt(0).toUpperCase()+m.slice(1)}function qt(r,c){let s=`feature.${r}`,u=Object.keys(c).filter(w=>s.startsWith(`${w} `)||s.startsWith(`${w},`));return c[s]??c[u.sort((w,m)=>m.length-w.length)[0]??"feature.other"]}async function wt(r){await dt();let[c,s]=await Promise.all([$t(r),pt({twinId:r})]);return{uses:c,cases:s}}function bt({uses:r,cases:c}){return!r.length&&!c.length?p:n`<section class="card" aria-labelledby="told"><h2 id="told">${t("told.title")}</h2>
    ${r.map(s=>n`<div class="notice ${k(s)?"bad":""}" data-told-use=${k(s)?"open":"over"}>
      <p><strong>${t("told.emergency",{reason:J(s.reason)})}</strong> ${$(s.clinician)}, ${$(s.second)}. ${t("told.opened",{data:g(s.categories),when:v(s.opened)})}
        ${k(s)?t("time.left",{left:B(s.expiry)}):t("told.over")}</p>
      <p>${s.review==="pending"?t("told.review",{when:v(s.reviewBy)}):t(`told.${s.review}`)}</p>
      ${k(s)?n`<button class="stop" ?disabled=${h()} data-do="end-use" @click=${ht(()=>ut(f(),s))}>${t("told.end")}</button>`:p}</div>`)}
    ${c.map(s=>n`<div class="notice" data-told-case=${E(s)?"open":"over"}>
      <p><strong>${t("told.case")}</strong> ${$(s.from)} → ${$(s.to)}. ${t("told.opened",{data:g(s.categories),when:v(s.opened)})}
        ${E(s)?t("time.left",{left:B(s.expiry)}):t("told.over")}</p>
      ${E(s)?n`<button class="stop" ?disabled=${h()} data-do="end-case" @click=${ht(()=>mt(f(),s,!1))}>${t("told.end")}</button>`:p}</div>`)}
  </section>`}var ht=r=>y(async()=>(await r(),await Q(),t("told.ended")));var Dt=4,Gt=30,Yt=30*86400,jt="/min",Kt=2**32-1,Vt=18;async function yt(r){let c=[...new Set((await j("AccessMarket","AccessPurchased",{twinId:r})).map(s=>s.args.buyer))];return Promise.all(c.map(async s=>({buyer:s,earned:(await U("AccessMarket","balanceOf",r,s))[0]})))}function Te(r){let c,s=[],u=[],w=[],m=null,R=[],M=null,T=[],W=!1,N=new Map,q={uses:[],cases:[]},H=`/patient/0x${r.toString(16)}`;async function vt(){[c,s,u,w,T,q]=await Promise.all([U("TwinToken","ownerOf",r),P(r),ct(r),tt(r),yt(r),wt(r)]),C().then(e=>{m=e,x()},()=>{m=[],x()})}let kt=e=>y(async()=>{let a=performance.now(),o=await Z(f(),r,e);return M={grantee:e,asked:a,recorded:performance.now(),block:o},s=await P(r),t("stop.done")}),Rt=y(async()=>{if(confirm(t("stop.all.sure")))return await f().send("TwinToken","voidGrants",r),s=await P(r),t("stop.all.done")}),Tt=({buyer:e})=>y(async()=>(await f().send("AccessMarket","withdraw",r,e),T=await yt(r),t("earnings.done"))),Ot=e=>y(async()=>{R=await st(f(),r,e,A.patient_request,Dt),R.length||_(t("signals.none"),""),m=await C()});function xt(){let e=f();if(!e)return X();if(e.address!==c)return n`<p class="notice warn">${t("twin.not_yours")}</p>`;let a=s.filter(i=>i.active),o=[...new Map(u.map(i=>[i.model.digest,i])).values()];return n`
      ${M?At(M):p}
      ${bt(q)}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${t("readers.title")}</h2>
          <a class="button main" href=${`${H}/allow`} data-do="allow">${t("readers.allow")}</a></div>
        ${a.length?Wt(a):n`<p data-readers="0">${t("readers.none")}</p>`}
        ${a.length>1?n`<button class="stop" ?disabled=${h()} data-do="stop-all" @click=${Rt}>${t("stop.all")}</button>`:p}
        ${Ht(s.filter(i=>!i.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${t("prediction.title")}</h2>
        ${o.length?o.map(i=>n`${lt(i,u)}${Ct(i)}`):n`<p class="card">${t("prediction.none")}</p>`}
        ${o.filter(({answered:i,model:d})=>i&&d.unit===jt).slice(0,1).map(Mt)}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${t("signals.title")}</h2>
        <p>${t("signals.lead",{count:w.length})}</p>
        <div class="row">${[["vitals",S.vitals],["waveform",S.waveform]].map(([i,d])=>n`
          <button ?disabled=${h()} data-look=${i} @click=${Ot(d)}>${t("signals.show",{what:g(d)})}</button>`)}</div>
        ${R.length?at(R,O().models.flatMap(i=>i.channels),"my-signals.csv"):p}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${t("looks.title")}</h2>${m?Ut(m):n`<p class="loading">${t("looks.checking")}</p>`}</section>
      ${T.length?n`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${t("earnings.title")}</h2><ul>${T.map(i=>n`
        <li class="row"><span>${$(i.buyer)}: <strong>${I(Number(Y(i.earned,Vt)),4)}</strong></span>
          ${i.earned?n`<button ?disabled=${h()} data-do="collect" @click=${Tt(i)}>${t("earnings.take")}</button>`:p}</li>`)}</ul></section>`:p}
      <details class="card"><summary>${t("details")}</summary>
        <p>${t("details.twin")} <code>0x${r.toString(16)}</code></p><p>${t("details.owner")} <code>${c}</code></p>
        <p>${t("details.contract")} <code>${O().contracts.ConsentRegistry}</code></p>
      </details>
      <p class="row"><a class="button" href=${`${H}/offer`}>${t("offer.title")}</a> <a class="button" href=${`${H}/erase`}>${t("erase.title")}</a></p>`}let Pt=e=>y(async()=>{let a={categories:Kt,purpose:A.patient_request,until:1/0},o=ot(e)??await nt(f(),r,e,[a]);N.set(e.explanationRoot,{why:o,told:await gt(o)}),m=await C()});function Ct(e){let a=N.get(e.explanationRoot);return a?n`<div class="card" data-why><ul>${a.told.map(o=>n`<li>${o}</li>`)}</ul><p>${ft(a.why)}</p></div>`:n`<p><button ?disabled=${h()} data-do="why" @click=${Pt(e)}>${t("prediction.why")}</button></p>`}let D=new WeakSet;function Et(e){if(!e||D.has(e))return;D.add(e);let{heart:a}=e.dataset;import("./part-TGKVBA74.js").then(({beat:o})=>o(e,Number(a))).catch(()=>{W=!1,_(t("heart.none"),"bad")})}function Mt({score:e,model:a}){let o=t("heart.label",{rate:it(e,a.unit)});return n`<div class="card">${W?n`<div class="chart" role="img" aria-label=${o} data-heart=${e} ${et(Et)}></div><p class="soft">${o}</p>`:n`<button data-do="heart" @click=${()=>{W=!0,x()}}>${t("heart.show")}</button>`}</div>`}let Wt=e=>n`<div class="scroll"><table class="people">
    <thead><tr>${["who","what","why","until","used"].map(a=>n`<th scope="col">${t(`readers.${a}`)}</th>`)}<th scope="col"><span class="hidden">${t("stop")}</span></th></tr></thead>
    <tbody>${e.map(a=>n`<tr data-reader=${a.grantee}>
      <th scope="row">${$(a.grantee)}</th><td data-label=${t("readers.what")}>${g(a.categories)}</td>
      <td data-label=${t("readers.why")}>${L(a.purposes)}</td><td data-label=${t("readers.until")}>${V(a.expiry)}</td>
      <td data-label=${t("readers.used")}>${St(a.grantee)}</td>
      <td><button class="stop" ?disabled=${h()} data-do="stop" @click=${kt(a.grantee)}>${t("stop")}</button></td></tr>`)}</tbody>
  </table></div>`,Ht=e=>e.length?n`<details><summary>${t("readers.past",{count:e.length})}</summary><ul>${e.map(a=>n`
        <li>${$(a.grantee)}: ${t(a.revoked?"readers.stopped":"readers.ended")} (${g(a.categories)})</li>`)}</ul></details>`:p;function St(e){let a=(m??[]).flatMap(o=>o.receipts).filter(o=>o.twin===r&&o.grantee===e&&o.permitted);return a.length?z(Math.max(...a.map(o=>o.time))):t("readers.never")}let At=({grantee:e,asked:a,recorded:o,block:i})=>n`<div class="notice good" data-closing=${i}>
    <h2>${t("door.title")}</h2><p>${t("door.lead")} ${$(e)}</p>
    <ol class="steps"><li>${t("door.asked")}</li><li>${t("door.recorded",{block:i,seconds:I((o-a)/1e3,1)})}</li>
      <li>${t("door.keys",{count:O().custodians})}</li></ol>
    <p class="soft">${t("door.limits")}</p></div>`;function Ut(e){let a=e.filter(l=>l.problem),o=e.flatMap(l=>l.receipts.map(b=>({receipt:b,witnessed:b.number<l.witnessed}))).filter(({receipt:l})=>l.twin===r),i=new Map;for(let{receipt:l,witnessed:b}of o){let G=i.get(l.request)??{receipts:[],witnessed:!0};i.set(l.request,{receipts:[...G.receipts,l],witnessed:G.witnessed&&b})}let d=[...i.values()].sort((l,b)=>b.receipts[0].time-l.receipts[0].time);return n`
      ${a.map(l=>n`<p class="notice bad" role="alert" data-log=${l.problem}>${t(`log.${l.problem}`)} ${$(l.custodian)}</p>`)}
      ${e.length?p:n`<p class="notice bad" role="alert" data-log="none">${t("log.none")}</p>`}
      ${a.length||!e.length?p:n`<p><span class="mark good" data-verified="true">✓ ${t("looks.verified")}</span> ${t("looks.how",{logs:e.length,receipts:o.length})}</p>`}
      ${d.length?n`<p data-month>${It(d.map(({receipts:l})=>l))}</p>`:n`<p>${t("looks.none")}</p>`}
      <ul>${d.slice(0,Gt).map(({receipts:l,witnessed:b})=>Lt(l,b))}</ul>`}function It(e){let a=e.filter(([i])=>i.time>Date.now()/1e3-Yt),o=a.filter(i=>i.every(d=>!d.permitted)).length;return t("looks.month",{looks:a.length-o,refused:o})}function Lt(e,a){let[o]=e,i=e.find(l=>!l.permitted),d=e.filter(l=>l.permitted).length;return n`<li data-look=${d?"permitted":"refused"}>
      <strong>${$(o.grantee)}</strong> ${d?t("looks.saw",{data:g(o.category),purpose:L(o.purpose)}):t("looks.refused",{data:g(o.category),reason:F(i.reason)})}
      <span class="soft">${v(o.time)}</span>
      <span class="mark ${a?"good":"warn"}">${t(a?"looks.witnessed":"looks.soon")}</span></li>`}return{title:t("twin.title"),load:vt,view:xt,live:!0}}export{Te as twin};
