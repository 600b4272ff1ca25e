import{a as J,c as K}from"./part-WZL3CG7P.js";import{b as E}from"./part-Q6QAVICP.js";import{a as C,b as W,c as q,d as z,e as G,f as V,g as Y}from"./part-WQBKO4NK.js";import"./part-L4DFCQIV.js";import"./part-S4LMAYUN.js";import{b as _}from"./part-56EJ6JZL.js";import{F as m,G as g,K as U,Q as R,S as h,a as r,c as l,q as t,r as v,t as j,u as k,w as T,x as O}from"./part-KCCALTX3.js";import{c as L,d as N,j as P,k as w,x as B,y as F}from"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import{Ja as A}from"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var fe=100,b=n=>v(Number(N(n,C)),4);function Me(){let n=[],o=[],c=[],y,f={data:0,purpose:0},x=[],M=new Map,$=new Set;async function D(){let e=m();[n,o,y]=await Promise.all([W(),e?q(e.address):[],Y()]),e&&E().then(s=>{c=s,h()},()=>{})}let ee=()=>n.filter(({terms:e})=>(!f.data||e.categories&f.data)&&(!f.purpose||e.purposes&f.purpose)).sort((e,s)=>Number(e.terms.pricePerDay-s.terms.pricePerDay)),te=(e,s)=>R(async()=>{if(!e.reportValidity())return;let a=new FormData(e),i=m(),d=Number(a.get("days")),u=String(a.get("study")??"").trim()||L,p=s.reduce((S,{terms:ue})=>S+ue.pricePerDay,0n)*BigInt(d);await F("TestToken","allowance",i.address,B("AccessMarket"))<p&&await i.send("TestToken","approve",B("AccessMarket"),i.kind==="demo"?A:p);let[me]=s;return s.length===1?await i.send("AccessMarket","purchase",me.terms,d,p,u):await i.send("AccessMarket","purchaseCohort",s.map(({terms:S})=>S),d,p,u),$.clear(),await D(),t("buy.done",{days:d})}),H=e=>s=>{s.preventDefault(),te(s.currentTarget,e())()},se=e=>R(async()=>{let s=Object.values(w).find(p=>e.purposes&p),a=e.categories&-e.categories,i=await J(m(),e.twin,a,s),d=i.reduce((p,I)=>p+I.time.length,0),u=URL.createObjectURL(new Blob([K(i)],{type:"text/csv"}));return x=[...x,{name:`twin-${e.twin.toString(16).slice(-8)}.csv`,link:u,rows:d}],c=await E(),t("fetch.done",{rows:v(d)})}),ae=e=>R(async()=>(await m().send("AccessMarket","settle",e.twin,m().address),await D(),t("refund.done"))),re=({terms:e,batches:s})=>async()=>{if(M.has(e.twinId))return;let a=await z(s).catch(()=>null);M.set(e.twinId,a?t("offers.kind",{kind:a.schema,channels:a.channels.map(({name:i,unit:d})=>`${i} (${d})`).join(", ")}):t("offers.unknown")),h()};function ne(){let e=ee(),s=n.filter(({hash:a})=>$.has(a));return r`<p>${t("research.lead")}</p>
      ${m()?le():_()}
      <section aria-labelledby="offers"><h2 id="offers">${t("offers.title")}</h2>
        <form class="row" @input=${oe} @submit=${a=>a.preventDefault()}>
          ${Q("data",t("offers.any_data"),P,T)}${Q("purpose",t("offers.any_purpose"),w,O)}
          <span class="soft" data-offers=${e.length}>${t("offers.count",{count:e.length})}</span></form>
        ${e.length?l:r`<p class="card">${t("offers.none")}</p>`}
        <div class="grid">${e.map(ie)}</div>
        ${m()&&s.length>1?de(s):l}</section>`}function oe(e){let s=new FormData(e.currentTarget);f={data:Number(s.get("data")),purpose:Number(s.get("purpose"))},h()}let ie=e=>{let{terms:s,batches:a}=e,i=o.some(u=>u.twin===s.twinId&&u.active),d=a.reduce((u,p)=>u+Number(p.readings),0);return r`<article class="card" data-offer=${e.hash}><h3>${T(s.categories)}</h3>
      <p>${O(s.purposes)}</p>
      <p>${t("offers.batches",{count:a.length})} ${a.length?r`${t("offers.readings",{count:d})}
        <span class="soft">${k(a[0].start)} – ${k(a.at(-1).end)}</span>`:l}</p>
      <p><strong>${b(s.pricePerDay)}</strong> ${t("offers.per_day")}</p>
      ${i?r`<p><span class="mark good">✓ ${t("offers.yours")}</span></p>`:m()?r`
        <form @submit=${H(()=>[e])}>${X(e.hash.slice(2,10),s.maxDays,s.needsStudy)}
          <button class="main" ?disabled=${g()} data-do="buy">${t("offers.buy")}</button></form>
        ${n.length>1?r`<label><input type="checkbox" .checked=${$.has(e.hash)} data-cohort @change=${()=>ce(e.hash)}>${t("cohort.add")}</label>`:l}`:l}
      <details @toggle=${re(e)}><summary>${t("offers.inside")}</summary><p>${M.get(s.twinId)??t("loading")}</p>
        <p>${s.terms===y?r`<a href=${V} download>${t("offer.terms.read")}</a>`:t("offers.terms")} <code>${s.terms}</code></p>
        <p>${t("details.twin")} <code>0x${s.twinId.toString(16)}</code></p></details>
    </article>`};function ce(e){!$.delete(e)&&$.size<fe&&$.add(e),h()}let de=e=>r`<form class="card" data-together @submit=${H(()=>e)}>
    <h3>${t("cohort.title",{count:e.length})}</h3>
    <p>${t("cohort.price",{price:b(e.reduce((s,{terms:a})=>s+a.pricePerDay,0n))})}</p>
    ${X("cohort",Math.min(...e.map(({terms:s})=>s.maxDays)),e.some(({terms:s})=>s.needsStudy))}
    <button class="main" ?disabled=${g()} data-do="buy-all">${t("cohort.buy")}</button></form>`,le=()=>r`<section aria-labelledby="mine"><h2 id="mine">${t("mine.title")}</h2>
    ${o.length?l:r`<p class="card">${t("mine.none")}</p>`}
    ${o.map(e=>r`<article class="card" data-bought=${e.active?"active":"ended"}>
      <div class="split"><h3>${T(e.categories)}: ${O(e.purposes)}</h3>
        <span class="mark ${e.active?"good":"bad"}">${e.active?t("mine.days",{count:Math.ceil((e.end-Date.now()/1e3)/86400)}):t("mine.ended")}</span></div>
      ${pe(e)}
      <div class="row">${e.active?r`<button class="main" ?disabled=${g()} data-do="fetch" @click=${se(e)}>${t("mine.fetch")}</button>`:l}
        ${e.refundable>0n?r`<button ?disabled=${g()} data-do="settle" @click=${ae(e)}>${t("refund.take",{amount:b(e.refundable)})}</button>`:l}</div>
      <details><summary>${t("mine.python")}</summary><pre><code>${$e(e)}</code></pre></details>
    </article>`)}
    ${x.map(e=>r`<p><a class="button" href=${e.link} download=${e.name}>${t("fetch.save",{rows:v(e.rows)})}</a></p>`)}
    <p><button @click=${()=>U().then(h)}>${t("again")}</button></p></section>`;function pe(e){let{opened:s,refused:a}=G(c,e.twin,m().address,e.since);return r`<ol class="steps" data-steps>
      <li>${t("steps.paid",{amount:b(e.paid),when:j(e.since),block:e.block})}</li>
      <li>${t(e.active?"steps.open":"steps.closed",{day:k(e.end)})}</li>
      <li>${t("steps.looks",{opened:s,refused:a})}</li>
      ${e.refundable>0n?r`<li>${t("steps.refund",{amount:b(e.refundable)})}</li>`:l}</ol>`}return{title:t("research.title"),load:D,view:ne}}var Q=(n,o,c,y)=>r`
  <select name=${n} aria-label=${o}><option value="0">${o}</option>${Object.values(c).map(f=>r`<option value=${f}>${y(f)}</option>`)}</select>`,X=(n,o,c)=>r`
  <label class="field" for=${`days-${n}`}>${t("offers.days",{most:o})}<input id=${`days-${n}`} name="days" type="number" inputmode="numeric" min="1" max=${o} value=${Math.min(7,o)} required></label>
  ${c?r`<label class="field">${t("offers.study")}<input name="study" dir="ltr" autocomplete="off" spellcheck="false" pattern="0x[0-9a-fA-F]{64}" required></label>`:l}`,Z=(n,o)=>Object.entries(o).find(([,c])=>n&c)[0],$e=({twin:n,categories:o,purposes:c})=>`from oracle import connect

twin = connect(key="researcher").twin("0x${n.toString(16)}")
frame = twin.fetch(purpose="${Z(c,w)}", category="${Z(o,P)}")`;export{Me as research};
