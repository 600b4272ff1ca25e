import{a as C,b as S}from"./part-CCB5SGZP.js";import{a as E,b as M}from"./part-ZPUZLBI6.js";import{b as B}from"./part-MH5AZAAE.js";import{C as k,D as n,E as P,N as T,a as c,c as p,g as y,i as R,s as t,t as v,x as w,y as O}from"./part-YZETIDCH.js";import{f as m,g as h,i as b,p as $}from"./part-MXFXPME3.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var x=8;function J(o){let i=[],l=[],a=[],g=0;async function A(){[i,l]=await Promise.all([M(o),y(o)]);let s=n();g=s?Number((await $("ConsentRegistry","grantOf",o,s.address)).categories):0}let W=s=>T(async()=>(a=await R(n(),o,s,h.care,x),t(a.length?"signals.opened":"signals.none",{count:a.length})));function j(){if(!n())return B();let s=i.filter(e=>e.answered),f=[...new Map(i.map(e=>[e.model.digest,e])).values()],u=l.at(-1);return c`<p>${u?t("bedside.newest",{ago:w(u.end),count:v(l.length)}):t("bedside.nothing")}</p>
      ${f.map(e=>E(e,i))}
      ${f.map(({model:e})=>{let d=s.filter(r=>r.model.digest===e.digest);return d.length>1?S({name:k(e.kind),unit:e.unit,times:d.map(r=>r.asOf),values:d.map(r=>r.score)}):p})}
      <section class="card" aria-labelledby="signals"><h2 id="signals">${t("signals.title")}</h2>
        <p>${t("bedside.receipt")}</p>
        <div class="row">${Object.values(m).filter(e=>e&g&&e!==m.prediction).map(e=>c`
          <button ?disabled=${P()} data-look=${e} @click=${W(e)}>${t("signals.show",{what:O(e)})}</button>`)}</div>
        ${a.length?C(a,b().models.flatMap(e=>e.channels),"signals.csv"):p}
      </section>`}return{title:`${t("ward.bed")} \u2026${o.toString(16).slice(-8)}`,load:A,view:j}}export{J as bedside};
