import{a as w,c as b}from"./part-YAEOWVHX.js";import{b as h}from"./part-56EJ6JZL.js";import{F as o,G as u,H as y,O as p,Q as m,S as f,a as s,c,q as t,t as $}from"./part-KCCALTX3.js";import"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var v=86400,I=[3,7,14],k=2;function G(){let n={accounts:[],threshold:0,waiting:0},g=[],i=[],d=0;async function l(){let a=o();a?.kind==="passkey"&&([n,g]=await Promise.all([w(a.address),b(a.address)]))}function A(a){let r=new FormData(a.currentTarget);i=r.getAll("guardian").map(String).sort((e,E)=>BigInt(e)<BigInt(E)?-1:1),d=Number(r.get("wait")??0),f()}let T=m(async()=>{let a=o();return await a.sendTo(a.address,"setGuardians",i,k,d*v),await l(),t("guardians.done")}),x=m(async()=>{let a=o();return await a.sendTo(a.address,"cancelRecovery"),await l(),t("recovery.stopped")});function H(){let a=o();if(!a)return h();if(a.kind!=="passkey")return s`<p class="notice">${t("guardians.only_passkeys")}</p>`;let r=`/recover/${a.address}`;return s`
      ${g.map(e=>s`<div class="notice bad" role="alert" data-asked><p>${t("recovery.under_way",{count:e.supporters})}
        ${e.readyAt?t("recovery.ready",{when:$(e.readyAt)}):c}</p>
        <button class="stop" ?disabled=${u()} data-do="stop-recovery" @click=${x}>${t("recovery.stop")}</button></div>`)}
      <p>${t("guardians.lead")}</p>
      ${n.accounts.length?s`<section class="card" data-guardians=${n.accounts.length}><h2>${t("guardians.now")}</h2><ul>${n.accounts.map(e=>s`<li>${p(e)}</li>`)}</ul>
        <p>${t("guardians.rule",{threshold:n.threshold,days:n.waiting/v})}</p>
        <p>${t("guardians.keep")} <a href=${r}><code>${location.origin}${r}</code></a></p></section>`:c}
      <form class="card" @input=${A} @submit=${e=>e.preventDefault()}>
        <fieldset><legend>${t("guardians.who")}</legend>${Object.entries(y()).filter(([e])=>e!==a.address).map(([e])=>s`
          <label><input type="checkbox" name="guardian" value=${e}>${p(e)}</label>`)}</fieldset>
        <fieldset><legend>${t("guardians.wait")}</legend>${I.map(e=>s`<label><input type="radio" name="wait" value=${e}>${t("allow.days",{count:e})}</label>`)}</fieldset>
        <button class="main" ?disabled=${u()||i.length<k||!d} data-do="appoint" @click=${T}>${t("guardians.appoint")}</button>
      </form>`}return{title:t("guardians.title"),load:l,view:H}}export{G as guardians};
