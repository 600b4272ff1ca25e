import{A as c,B as s,E as g,G as w,I as f,K as k,a,c as n,h as $,i as r,j as m,k as h,l as u,n as y,p as t,y as b}from"./part-VLBBUXKN.js";import{k as p}from"./part-G63Q5EEK.js";var I={patient:"/patient",researcher:"/research",clinician:"/ward",hospital:"/hospital"};function E(){return{title:t("home.title"),load:async()=>{},view:P}}function P(){return a`
    <p>${t("home.lead")}</p>
    ${c()?n:R()}
    <section aria-labelledby="doors"><h2 id="doors">${t("home.doors")}</h2>
      <div class="grid">
        ${["patient","research","ward","hospital","verify"].map(i=>a`
          <a class="card" href=${`/${i}`}><h3>${t(`nav.${i}`)}</h3>${t(`door.${i}`)}</a>`)}
      </div>
    </section>`}function R(){let{demo:i,relayer:l}=p(),o=h();return a`<section class="card" aria-labelledby="sign-in"><h2 id="sign-in">${t("sign_in")}</h2>
    ${l?a`<p>${t("passkey.lead")}</p><div class="row">
      ${o.map(e=>a`<button class="main" ?disabled=${s()} @click=${d(async()=>y(e),"/patient")}>${t("passkey.use")}</button>`)}
      <button class=${o.length?"":"main"} ?disabled=${s()} data-do="passkey" @click=${d(()=>u("Medtwin"),"/patient")}>${t("passkey.new")}</button>
    </div>`:n}
    ${r().length?a`<h3>${t("wallet.title")}</h3><div class="row">${r().map(e=>a`
      <button ?disabled=${s()} data-wallet=${e.info.uuid} @click=${d(()=>m(e,()=>{c()?.kind==="wallet"&&f(t("wallet.changed"))}),"/patient")}><bdi>${e.info.name}</bdi></button>`)}</div>`:n}
    ${i?a`<h3>${t("demo.title")}</h3><p class="notice warn">${t("demo.lead")}</p><div class="row">${i.roles.filter(e=>v(e)).map(e=>a`<button ?disabled=${s()} data-demo=${e} @click=${d(()=>$(e),v(e),e)}>${b(e)}</button>`)}</div>`:n}
  </section>`}var v=i=>I[i.split("-")[0]],d=(i,l,o)=>k(async()=>{await w(await i(),o),g(location.pathname==="/"?l:location.pathname)});export{E as a,R as b};
