import{a as h}from"./part-DJ2M6KD2.js";import{b as g}from"./part-56EJ6JZL.js";import{F as m,G as d,J as f,K as w,O as $,Q as b,a as i,q as n,r as u}from"./part-KCCALTX3.js";import{B as l,y as c}from"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import{W as p}from"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var r=[];function R(t){let e=t&&p(t)?t:null;return{title:n("patient.title"),load:v,view:()=>T(e)}}async function v(){let t=m();r=t?await Promise.all((await k(t.address)).map(P)):[]}async function k(t){let e=(await l("TwinToken","Transfer",{to:t})).map(a=>a.args.tokenId),s=await Promise.all(e.map(a=>c("TwinToken","ownerOf",a).catch(()=>null)));return[...new Set(e.filter((a,o)=>s[o]===t))]}async function P(t){let{consentsOf:e}=await import("./part-3QJ4ICPK.js"),[s,a]=await Promise.all([c("DataAnchor","batchCount",t),e(t)]);return{id:t,batches:Number(s),readers:a.filter(o=>o.active).length}}function T(t){let e=m();return e?i`${t?i`<p class="notice">${n("patient.helper")} ${$(t)}</p>`:i`<p>${n("patient.lead")}</p>`}
    <div class="grid">${r.map(({id:s,batches:a,readers:o},y)=>i`
      <a class="card" href=${`/patient/0x${s.toString(16)}${t?`/allow/${t}`:""}`}><h2>${n("patient.twin",{number:y+1})}</h2>
        <p>${n("patient.batches",{count:a})}</p><p>${n("patient.readers",{count:o})}</p>
        <p class="soft mono">…${s.toString(16).slice(-8)}</p></a>`)}
    </div>
    ${r.length?"":i`<p class="notice">${n("patient.none")}</p>`}
    <p><button class=${r.length?"":"main"} ?disabled=${d()} data-do="mint" @click=${b(async()=>(await f(await h()),n("patient.made")))}>${n("patient.make")}</button></p>
    <p><a class="button" href="/invite">${n("invite.helper")}</a></p>
    ${e.kind==="passkey"?i`<p><a class="button" href="/guardians">${n("guardians.title")}</a></p>`:""}
    <p class="soft">${n("patient.count",{count:u(r.length)})} <button @click=${()=>w()}>${n("again")}</button></p>`:g()}export{R as twins};
