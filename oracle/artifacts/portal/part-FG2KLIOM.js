import{F as c,G as s,J as w,L as b,N as f,Q as v,a as i,c as n,h as m,i as l,j as $,k as h,l as y,n as u,q as t,z as g}from"./part-ISA5U2PE.js";import{r as p}from"./part-RENKOAWL.js";var I={patient:"/patient",researcher:"/research",clinician:"/ward",radiology:"/ward",theatre:"/ward",reviewer:"/ward/emergency",hospital:"/hospital"};function E(){return{title:t("home.title"),load:async()=>{},view:P}}function P(){return i`
    <p>${t("home.lead")}</p>
    ${c()?n:R()}
    <section aria-labelledby="doors"><h2 id="doors">${t("home.doors")}</h2>
      <div class="grid">
        ${["patient","research","ward","hospital","verify"].map(a=>i`
          <a class="card" href=${`/${a}`}><h3>${t(`nav.${a}`)}</h3>${t(`door.${a}`)}</a>`)}
      </div>
    </section>`}function R(){let{demo:a,relayer:r}=p(),o=h();return i`<section class="card" aria-labelledby="sign-in"><h2 id="sign-in">${t("sign_in")}</h2>
    ${r?i`<p>${t("passkey.lead")}</p><div class="row">
      ${o.map(e=>i`<button class="main" ?disabled=${s()} @click=${d(async()=>u(e),"/patient")}>${t("passkey.use")}</button>`)}
      <button class=${o.length?"":"main"} ?disabled=${s()} data-do="passkey" @click=${d(()=>y("Medtwin"),"/patient")}>${t("passkey.new")}</button>
    </div>`:n}
    ${l().length?i`<h3>${t("wallet.title")}</h3><div class="row">${l().map(e=>i`
      <button ?disabled=${s()} data-wallet=${e.info.uuid} @click=${d(()=>$(e,()=>{c()?.kind==="wallet"&&f(t("wallet.changed"))}),"/patient")}><bdi>${e.info.name}</bdi></button>`)}</div>`:n}
    ${a?i`<h3>${t("demo.title")}</h3><p class="notice warn">${t("demo.lead")}</p><div class="row">${a.roles.filter(e=>k(e)).map(e=>i`<button ?disabled=${s()} data-demo=${e} @click=${d(()=>m(e),k(e),e)}>${g(e)}</button>`)}</div>`:n}
  </section>`}var k=a=>I[a.split("-")[0]],d=(a,r,o)=>v(async()=>{await b(await a(),o),w(location.pathname==="/"?r:location.pathname)});export{E as a,R as b};
