import{b as r}from"./part-56EJ6JZL.js";import{F as o,a as n,q as e}from"./part-KCCALTX3.js";import"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";function m(){function i(){let t=o();return n`<div class="grid">
      ${p("/welcome",e("invite.patient"),e("invite.patient.lead"))}
      ${t?p(`/patient/for/${t.address}`,e("invite.helper"),e("invite.helper.lead")):n`<div><h2>${e("invite.helper")}</h2><p>${e("invite.helper.sign_in")}</p>${r()}</div>`}
    </div>`}return{title:e("invite.title"),load:async()=>{},view:i}}var p=(i,t,s)=>n`<section class="card"><h2>${t}</h2><p>${s}</p>
  <p><img class="code" src=${`/api/qr?path=${i}`} alt=${e("invite.code",{address:location.origin+i})}></p>
  <p><code>${location.origin}${i}</code></p></section>`;export{m as invite};
