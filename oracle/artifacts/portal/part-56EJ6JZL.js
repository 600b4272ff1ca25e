import{F as c,G as s,J as b,L as f,N as v,Q as k,a as i,c as n,h as $,i as l,j as h,k as y,l as u,n as w,q as t,z as g}from"./part-KCCALTX3.js";import{r as p,u as m}from"./part-IYH3SDGP.js";var P={patient:"/patient",researcher:"/research",clinician:"/ward",radiology:"/ward",theatre:"/ward",reviewer:"/ward/emergency",hospital:"/hospital"};function S(){return{title:t("home.title"),load:async()=>{},view:R}}function R(){return i`
    <p>${t("home.lead")}</p>
    ${c()?n:T()}
    <section aria-labelledby="doors"><h2 id="doors">${t("home.doors")}</h2>
      <div class="grid">
        ${["patient","research","ward","hospital","verify"].map(a=>i`
          <a class="card" href=${`/${a}`}><h3>${t(`nav.${a}`)}</h3>${t(`door.${a}`)}</a>`)}
      </div>
    </section>`}function T(){let{demo:a,relayer:r}=p(),o=y();return i`<section class="card" aria-labelledby="sign-in"><h2 id="sign-in">${t("sign_in")}</h2>
    ${r?i`<p>${t("passkey.lead")}</p><div class="row">
      ${o.map(e=>i`<button class="main" ?disabled=${s()} @click=${d(async()=>w(e),"/patient")}>${t("passkey.use")}</button>`)}
      <button class=${o.length?"":"main"} ?disabled=${s()} data-do="passkey" @click=${d(()=>u("Medtwin"),"/patient")}>${t("passkey.new")}</button>
    </div>`:n}
    ${l().length?i`<h3>${t("wallet.title")}</h3><div class="row">${l().map(e=>i`
      <button ?disabled=${s()} data-wallet=${e.info.uuid} @click=${d(()=>h(e,()=>{c()?.kind==="wallet"&&v(t("wallet.changed"))}),"/patient")}><bdi>${e.info.name}</bdi></button>`)}</div>`:n}
    ${a?i`<h3>${t("demo.title")}</h3><p class="notice warn">${t("demo.lead")}</p><div class="row">${a.roles.filter(e=>I(e)).map(e=>i`<button ?disabled=${s()} data-demo=${e} @click=${d(()=>$(e),I(e),e)}>${g(e)}</button>`)}</div>`:n}
  </section>`}var I=a=>P[a.split("-")[0]],d=(a,r,o)=>k(async()=>{await m(),await f(await a(),o),b(location.pathname==="/"?r:location.pathname)});export{S as a,T as b};
