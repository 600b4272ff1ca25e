import{b as m,c as l}from"./part-WNC52N2R.js";import{b as c}from"./part-TCWFKUZQ.js";import{b as p}from"./part-7CYA6DBN.js";import{A as s,F as d,a as n,p as t}from"./part-VLBBUXKN.js";import"./part-G63Q5EEK.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";function R(){let e=[];async function o(){let r=s(),i=r?await c(r.address):[];e=await Promise.all(i.map(async a=>({twin:a,reports:await l(a)}))),e.sort((a,w)=>f(w)-f(a))}function u(){return s()?n`<p>${t("ward.lead")}</p>
      ${e.length?"":n`<p class="card">${t("ward.none")}</p>`}
      <div class="grid">${e.map(({twin:r,reports:i})=>n`<section class="card" data-bed=${`0x${r.toString(16)}`}>
        <h2><a href=${`/ward/0x${r.toString(16)}`}>${t("ward.bed")} <bdi class="mono">…${r.toString(16).slice(-8)}</bdi></a></h2>
        ${i.length?m(i.at(-1),i):n`<p>${t("prediction.none")}</p>`}</section>`)}</div>
      <p><button @click=${()=>d()}>${t("again")}</button></p>`:p()}return{title:t("ward.title"),load:o,view:u,live:!0}}function f({reports:e}){let o=e.at(-1);return o?o.answered?o.score:1/0:-1}export{R as ward};
