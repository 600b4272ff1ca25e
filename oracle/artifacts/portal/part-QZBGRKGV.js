import{a as E}from"./part-H2PGELSA.js";import{a as _,b as j,g as q}from"./part-GZVXHDFL.js";import{b as P,c as x}from"./part-BUI3JWOM.js";import{b as A,c as C}from"./part-3XNCB2KF.js";import"./part-DZC4IK72.js";import"./part-Y2DHZQXZ.js";import{c as b}from"./part-KMLXBIYF.js";import"./part-MMCTWWKG.js";import{b as M,d as B}from"./part-H2INONB6.js";import"./part-R6QBOX6C.js";import{b as T}from"./part-QDIOSERK.js";import{B as R,C as f,D as W,L as h,N as S,a as o,c as r,p as a,q as k,u as v,v as w,z as O}from"./part-HOKXYKAE.js";import{i as g,o as y}from"./part-R4VNGQTD.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var D=8;function oe(n){let G=`/ward/0x${n.toString(16)}`,m=[],u=[],i=[],$=[],l=[];async function H(){let e=f();if(!e)return;let s;[m,u,$,s]=await Promise.all([C(n),M(n),j(n),E(e.address)]),l=s.get(n)??[]}let I=(e,s)=>S(async()=>(i=await B(f(),n,e,s.purpose,D,s.through),a(i.length?"signals.opened":"signals.none",{count:i.length})));function N(){if(!f())return T();let e=m.filter(t=>t.answered),s=[...new Map(m.map(t=>[t.model.digest,t])).values()],p=u.at(-1);return o`<p>${p?a("bedside.newest",{ago:v(p.end),count:k(u.length)}):a("bedside.nothing")}</p>
      <div class="row"><a class="button" href=${`${G}/handoff`}>${a("handoff.title")}</a>
        ${l.length?r:o`<a class="button stop" href=${`/ward/emergency/0x${n.toString(16)}`}>${a("emergency.title")}</a>`}</div>
      ${l.length?r:o`<p class="notice warn">${a("bedside.no_way")}</p>`}
      ${s.map(t=>A(t,m))}
      ${s.map(({model:t})=>{let d=e.filter(c=>c.model.digest===t.digest);return d.length>1?x({name:R(t.kind),unit:t.unit,times:d.map(c=>c.asOf),values:d.map(c=>c.score)}):r})}
      <section class="card" aria-labelledby="signals"><h2 id="signals">${a("signals.title")}</h2>
        <p>${a("bedside.receipt")}</p>
        ${l.filter(t=>t.through).map(t=>o`<p><span class="mark ${t.through==="EmergencyAccess"?"bad":"warn"}">${a(`through.${t.through}`)}</span> ${a("time.left",{left:b(t.until)})}</p>`)}
        <div class="row">${Y().map(([t,d])=>o`
          <button ?disabled=${W()} data-look=${t} @click=${I(t,d)}>${a("signals.show",{what:w(t)})}</button>`)}</div>
        ${i.length?P(i,y().models.flatMap(t=>t.channels),"signals.csv"):r}
      </section>
      ${$.length?o`<section class="card" aria-labelledby="feedback"><h2 id="feedback">${a("command.title")}</h2><ul>${$.map(z)}</ul></section>`:r}`}let Y=()=>Object.values(g).flatMap(e=>{let s=l.find(p=>p.categories&e);return s&&e!==g.prediction&&e!==g.equipment?[[e,s]]:[]}),z=e=>o`<li data-command=${e.state}>${O(_(e.code))} → <strong>${q(e.value,e.code)}</strong> ${h(e.device)}
    <span class="mark ${e.state==="acknowledged"?"good":e.state==="pending"?"warn":"bad"}">${a(`command.${e.state}`)}${e.state==="pending"?` ${a("time.left",{left:b(e.deadline)})}`:""}</span>
    <span class="soft">${a("command.by")} ${h(e.clinician)}</span></li>`;return{title:`${a("ward.bed")} \u2026${n.toString(16).slice(-8)}`,load:H,view:N,live:!0,ticks:!0}}export{oe as bedside};
