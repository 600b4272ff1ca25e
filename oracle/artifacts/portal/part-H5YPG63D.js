import{c as D,d as S}from"./part-UGGHKR4Q.js";import"./part-OWYUBT7L.js";import{b as T}from"./part-6CYUYFXM.js";import{A as o,B as b,F as B,K as h,M as I,a as i,c as u,p as t,q as f,t as R,v as O,w as x}from"./part-LYA4KIAO.js";import{b as A,c as w,g as M,h as y,p as v,q as m,s as k}from"./part-YGMIY4FG.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import{Ja as P}from"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var H=18;function Z(){let d=[],c=[],l=[];async function $(){let e=await k("AccessMarket","OfferListed"),a=[...new Map(e.map(s=>[s.args.twinId,s.args])).values()],n=await Promise.all(a.map(s=>m("AccessMarket","isListed",s.offer)));d=await Promise.all(a.filter((s,p)=>n[p]).map(async s=>({hash:s.offerHash,terms:s.offer,batches:Number(await m("DataAnchor","batchCount",s.twinId))})));let r=o();c=r?await N(r.address):[]}async function N(e){let a=[...new Set((await k("AccessMarket","AccessPurchased",{buyer:e})).map(n=>n.args.twinId))];return Promise.all(a.map(async n=>{let[r,s,[,p]]=await Promise.all([m("ConsentRegistry","grantOf",n,e),m("ConsentRegistry","balanceOf",e,n),m("AccessMarket","balanceOf",n,e)]);return{twin:n,categories:r.categories,purposes:r.purposes,end:Number(r.expiry),active:s===1n,refundable:p}}))}let C=e=>h(async()=>{let a=o(),n=document.querySelector(`#days-${e.hash.slice(2,10)}`),r=Number(n.value);if(!Number.isInteger(r)||r<1||r>e.terms.maxDays)return void n.reportValidity();let s=e.terms.pricePerDay*BigInt(r);return await m("TestToken","allowance",a.address,v("AccessMarket"))<s&&await a.send("TestToken","approve",v("AccessMarket"),a.kind==="demo"?P:s),await a.send("AccessMarket","purchase",e.terms,r,s,A),await $(),t("buy.done",{days:r})}),U=e=>h(async()=>{let a=Object.values(y).find(g=>e.purposes&g),n=e.categories&-e.categories,r=await D(o(),e.twin,n,a),s=r.reduce((g,W)=>g+W.time.length,0),p=URL.createObjectURL(new Blob([S(r)],{type:"text/csv"}));return l=[...l,{name:`twin-${e.twin.toString(16).slice(-8)}.csv`,link:p,rows:s}],t("fetch.done",{rows:f(s)})}),E=e=>h(async()=>(await o().send("AccessMarket","settle",e.twin,o().address),await $(),t("refund.done")));function j(){return i`<p>${t("research.lead")}</p>
      ${o()?q():T()}
      <section aria-labelledby="offers"><h2 id="offers">${t("offers.title")}</h2>
        ${d.length?u:i`<p class="card">${t("offers.none")}</p>`}
        <div class="grid">${d.map(_)}</div></section>`}let _=e=>{let{terms:a}=e,n=`days-${e.hash.slice(2,10)}`,r=c.some(s=>s.twin===a.twinId&&s.active);return i`<article class="card" data-offer=${e.hash}><h3>${O(a.categories)}</h3>
      <p>${x(a.purposes)}</p><p>${t("offers.batches",{count:e.batches})}</p>
      <p><strong>${f(Number(w(a.pricePerDay,H)))}</strong> ${t("offers.per_day")}</p>
      ${r?i`<p><span class="mark good">✓ ${t("offers.yours")}</span></p>`:o()?i`
        <label class="field" for=${n}>${t("offers.days",{most:a.maxDays})}<input id=${n} type="number" inputmode="numeric" min="1" max=${a.maxDays} value="7" required></label>
        <button class="main" ?disabled=${b()} data-do="buy" @click=${C(e)}>${t("offers.buy")}</button>`:u}
      <details><summary>${t("details")}</summary><p>${t("offers.terms")} <code>${a.terms}</code></p><p>${t("details.twin")} <code>0x${a.twinId.toString(16)}</code></p></details>
    </article>`},q=()=>i`<section aria-labelledby="mine"><h2 id="mine">${t("mine.title")}</h2>
    ${c.length?u:i`<p class="card">${t("mine.none")}</p>`}
    ${c.map(e=>i`<article class="card" data-bought=${e.active?"active":"ended"}>
      <div class="split"><h3>${O(e.categories)}: ${x(e.purposes)}</h3>
        <span class="mark ${e.active?"good":"bad"}">${e.active?t("mine.days",{count:Math.ceil((e.end-Date.now()/1e3)/86400)}):t("mine.ended")}</span></div>
      <p>${t("mine.until",{day:R(e.end)})}</p>
      <div class="row">${e.active?i`<button class="main" ?disabled=${b()} data-do="fetch" @click=${U(e)}>${t("mine.fetch")}</button>`:u}
        ${e.refundable>0n?i`<button ?disabled=${b()} data-do="settle" @click=${E(e)}>${t("refund.take",{amount:f(Number(w(e.refundable,H)),4)})}</button>`:u}</div>
      <details><summary>${t("mine.python")}</summary><pre><code>${z(e)}</code></pre></details>
    </article>`)}
    ${l.map(e=>i`<p><a class="button" href=${e.link} download=${e.name}>${t("fetch.save",{rows:f(e.rows)})}</a></p>`)}
    <p><button @click=${()=>B().then(I)}>${t("again")}</button></p></section>`;return{title:t("research.title"),load:$,view:j}}var L=(d,c)=>Object.entries(c).find(([,l])=>d&l)[0],z=({twin:d,categories:c,purposes:l})=>`from oracle import connect

twin = connect(key="researcher").twin("0x${d.toString(16)}")
frame = twin.fetch(purpose="${L(l,y)}", category="${L(c,M)}")`;export{Z as research};
