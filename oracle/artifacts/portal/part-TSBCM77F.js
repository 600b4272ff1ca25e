import{A as n,D as g,F as f,H as w,J as v,a,c as s,g as p,h as r,i as $,j as m,k as h,m as u,o as t,x as y,z as b}from"./part-FTO6UAAK.js";import{i as c}from"./part-MXFXPME3.js";var I={patient:"/patient",researcher:"/research",clinician:"/ward",hospital:"/hospital"};function E(){return{title:t("home.title"),load:async()=>{},view:P}}function P(){return a`
    <p>${t("home.lead")}</p>
    ${b()?s:R()}
    <section aria-labelledby="doors"><h2 id="doors">${t("home.doors")}</h2>
      <div class="grid">
        ${["patient","research","ward","hospital","verify"].map(i=>a`
          <a class="card" href=${`/${i}`}><h3>${t(`nav.${i}`)}</h3>${t(`door.${i}`)}</a>`)}
      </div>
    </section>`}function R(){let{demo:i,relayer:l}=c(),o=m();return a`<section class="card" aria-labelledby="sign-in"><h2 id="sign-in">${t("sign_in")}</h2>
    ${l?a`<p>${t("passkey.lead")}</p><div class="row">
      ${o.map(e=>a`<button class="main" ?disabled=${n()} @click=${d(async()=>u(e),"/patient")}>${t("passkey.use")}</button>`)}
      <button class=${o.length?"":"main"} ?disabled=${n()} data-do="passkey" @click=${d(()=>h("Medtwin"),"/patient")}>${t("passkey.new")}</button>
    </div>`:s}
    ${r().length?a`<h3>${t("wallet.title")}</h3><div class="row">${r().map(e=>a`
      <button ?disabled=${n()} data-wallet=${e.info.uuid} @click=${d(()=>$(e,()=>{w(t("wallet.changed"))}),"/patient")}><bdi>${e.info.name}</bdi></button>`)}</div>`:s}
    ${i?a`<h3>${t("demo.title")}</h3><p class="notice warn">${t("demo.lead")}</p><div class="row">${i.roles.filter(e=>k(e)).map(e=>a`<button ?disabled=${n()} data-demo=${e} @click=${d(()=>p(e),k(e),e)}>${y(e)}</button>`)}</div>`:s}
  </section>`}var k=i=>I[i.split("-")[0]],d=(i,l,o)=>v(async()=>{await f(await i(),o),g(location.pathname==="/"?l:location.pathname)});export{E as a,R as b};
