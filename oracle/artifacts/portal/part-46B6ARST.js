import{b as $}from"./part-PAUAVR46.js";import{A as g,D as w,E as f,J as b,a as s,o as n,p as d,z as m}from"./part-GR3DUN5J.js";import{C as l,E as u,q as c,s as p}from"./part-JZP5SRAI.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var h=1,r=[];function A(){return{title:n("patient.title"),load:T,view:P}}async function T(){let t=m();r=t?await Promise.all((await y(t.address)).map(k)):[]}async function y(t){let e=(await p("TwinToken","Transfer",{to:t})).map(a=>a.args.tokenId),i=await Promise.all(e.map(a=>c("TwinToken","ownerOf",a).catch(()=>null)));return[...new Set(e.filter((a,o)=>i[o]===t))]}async function k(t){let{consentsOf:e}=await import("./part-ZFO63GEX.js"),[i,a]=await Promise.all([c("DataAnchor","batchCount",t),e(t)]);return{id:t,batches:Number(i),readers:a.filter(o=>o.active).length}}function P(){let t=m();return t?s`<p>${n("patient.lead")}</p>
    <div class="grid">${r.map(({id:e,batches:i,readers:a},o)=>s`
      <a class="card" href=${`/patient/0x${e.toString(16)}`}><h2>${n("patient.twin",{number:o+1})}</h2>
        <p>${n("patient.batches",{count:i})}</p><p>${n("patient.readers",{count:a})}</p>
        <p class="soft mono">…${e.toString(16).slice(-8)}</p></a>`)}
    </div>
    ${r.length?"":s`<p class="notice">${n("patient.none")}</p>`}
    <p><button class=${r.length?"":"main"} ?disabled=${g()} data-do="mint" @click=${b(async()=>{let e=BigInt(l(u(31)))<<8n|BigInt(h);return await t.send("TwinToken","mint",e),await w(`/patient/0x${e.toString(16)}`),n("patient.made")})}>${n("patient.make")}</button></p>
    ${t.kind==="passkey"?s`<p><a class="button" href="/guardians">${n("guardians.title")}</a></p>`:""}
    <p class="soft">${n("patient.count",{count:d(r.length)})} <button @click=${()=>f()}>${n("again")}</button></p>`:$()}export{A as twins};
