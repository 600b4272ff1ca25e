import{b as C,c as S}from"./part-3DNTJKSK.js";import{b as E,c as M}from"./part-WNC52N2R.js";import{b as T,d as B}from"./part-RN7T7I2E.js";import"./part-VRLZWPJR.js";import{b as P}from"./part-7CYA6DBN.js";import{A as n,B as O,K as k,a as c,c as p,p as t,q as v,u as y,v as R,z as w}from"./part-VLBBUXKN.js";import{h as m,i as h,k as b,r as $}from"./part-G63Q5EEK.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var x=8;function J(o){let i=[],l=[],r=[],g=0;async function A(){[i,l]=await Promise.all([M(o),T(o)]);let s=n();g=s?Number((await $("ConsentRegistry","grantOf",o,s.address)).categories):0}let W=s=>k(async()=>(r=await B(n(),o,s,h.care,x),t(r.length?"signals.opened":"signals.none",{count:r.length})));function j(){if(!n())return P();let s=i.filter(e=>e.answered),f=[...new Map(i.map(e=>[e.model.digest,e])).values()],u=l.at(-1);return c`<p>${u?t("bedside.newest",{ago:y(u.end),count:v(l.length)}):t("bedside.nothing")}</p>
      ${f.map(e=>E(e,i))}
      ${f.map(({model:e})=>{let d=s.filter(a=>a.model.digest===e.digest);return d.length>1?S({name:w(e.kind),unit:e.unit,times:d.map(a=>a.asOf),values:d.map(a=>a.score)}):p})}
      <section class="card" aria-labelledby="signals"><h2 id="signals">${t("signals.title")}</h2>
        <p>${t("bedside.receipt")}</p>
        <div class="row">${Object.values(m).filter(e=>e&g&&e!==m.prediction).map(e=>c`
          <button ?disabled=${O()} data-look=${e} @click=${W(e)}>${t("signals.show",{what:R(e)})}</button>`)}</div>
        ${r.length?C(r,b().models.flatMap(e=>e.channels),"signals.csv"):p}
      </section>`}return{title:`${t("ward.bed")} \u2026${o.toString(16).slice(-8)}`,load:A,view:j,live:!0}}export{J as bedside};
