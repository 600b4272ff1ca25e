import{b as w}from"./part-56EJ6JZL.js";import{F as i,G as l,J as s,L as c,Q as p,a as n,l as m,q as e}from"./part-KCCALTX3.js";import{L as a,N as r,r as o}from"./part-IYH3SDGP.js";var d=1;async function f(){let t=BigInt(a(r(31)))<<8n|BigInt(d);return await i().send("TwinToken","mint",t),`/patient/0x${t.toString(16)}`}function P(){let t=p(async()=>(i()||await c(await m("Medtwin")),await s(await f()),e("patient.made")));function u(){return!o().relayer&&!i()?w():n`<section class="card"><p>${e("home.lead")}</p>
      <ul><li>${e("welcome.nobody")}</li><li>${e("welcome.stop")}</li><li>${e("welcome.keys")}</li></ul>
      <p>${e("passkey.lead")}</p>
      <p><button class="main" ?disabled=${l()} data-do="begin" @click=${t}>${e("welcome.begin")}</button></p></section>
      <p><a href="/">${e("welcome.other")}</a></p>`}return{title:e("welcome.title"),load:async()=>{},view:u}}export{f as a,P as b};
