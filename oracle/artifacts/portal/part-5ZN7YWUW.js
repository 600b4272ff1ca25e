import{a as P,b as _,c as N,e as S}from"./part-7RHW2UIY.js";import{a as B}from"./part-ZQFGN5QF.js";import{e as A}from"./part-K5MVHP76.js";import{a as E,c as H}from"./part-YOEED3VV.js";import{b as R}from"./part-56EJ6JZL.js";import{F as l,G as i,J as x,O as c,P as C,Q as y,S as O,a as o,c as r,q as t,t as g,w as b}from"./part-KCCALTX3.js";import{j as k,k as T,x as $,y as h}from"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var U=[4,12,48];function X(n){let f=[],p=[],m=0,s={to:"",categories:0,hours:0};async function w(){await E();let[e,a,d,u]=await Promise.all([P({twinId:n}),B("CaseToken","DEPARTMENT_ROLE"),h("ConsentRegistry","grantOf",n,$("CaseToken")),h("ConsentRegistry","balanceOf",$("CaseToken"),n)]);[f,p]=[e,a],m=u===1n&&d.purposes&T.care?d.categories:0}function D(e){let a=new FormData(e.currentTarget);s={to:String(a.get("to")??""),hours:Number(a.get("hours")??0),categories:a.getAll("data").reduce((d,u)=>d|Number(u),0)},O()}let F=y(async()=>(await N(l(),n,s.to,s.categories,s.hours),x("/ward/signing"),t("handoff.asked"))),v=(e,a)=>y(async()=>(await S(l(),e,a),await w(),t("handoff.closed")));function I(){let e=l();return e?o`<p>${A(n)}</p>${p.includes(e.address)?L(e.address):o`<p class="notice">${t("handoff.not_department")}</p>`}
      <section aria-labelledby="cases"><h2 id="cases">${t("handoff.cases")}</h2>
        ${f.length?f.map(M):o`<p class="card">${t("handoff.none")}</p>`}</section>`:R()}let L=e=>m===0?o`<p class="notice warn" data-handoff="not-allowed">${t("handoff.not_allowed")}</p>`:o`<form class="card" @input=${D} @submit=${a=>a.preventDefault()}>
      <label class="field">${t("handoff.to")}<select name="to" required><option value="">${t("allow.choose")}</option>
        ${p.filter(a=>a!==e).map(a=>o`<option value=${a}>${C(a)}</option>`)}</select></label>
      <fieldset><legend>${t("allow.what")}</legend>${Object.values(k).filter(a=>a&m).map(a=>o`<label><input type="checkbox" name="data" value=${a}>${b(a)}</label>`)}</fieldset>
      <fieldset><legend>${t("handoff.until")}</legend>${U.map(a=>o`<label><input type="radio" name="hours" value=${a}>${t("handoff.hours",{count:a})}</label>`)}</fieldset>
      <button class="main" ?disabled=${i()||!s.to||!s.categories||!s.hours} data-do="ask" @click=${F}>${t("handoff.sign")}</button>
      <p class="soft">${t("handoff.lead")}</p></form>`,M=e=>{let a=_(e),d=[e.from,e.to].includes(l().address);return o`<article class="card" data-case=${a?"open":e.closed?"closed":"ended"}>
      <div class="split"><h3>${c(e.from)} → ${c(e.to)}</h3>
        <span class="mark ${a?"good":"warn"}">${a?t("time.left",{left:H(e.expiry)}):t(e.closed?e.procedureEnded?"handoff.procedure_ended":"handoff.was_closed":"handoff.ended")}</span></div>
      <p>${b(e.categories)}. ${t("handoff.since",{when:g(e.opened)})} ${t("handoff.ends",{when:g(e.expiry)})}</p>
      ${e.closedBy?o`<p class="soft">${t("handoff.closed_by")} ${c(e.closedBy)}</p>`:r}
      ${a&&d?o`<div class="row">
        ${e.to===l().address?o`<a class="button main" href=${`/ward/0x${n.toString(16)}`}>${t("handoff.look")}</a>`:r}
        <button ?disabled=${i()} data-do="ended" @click=${v(e,!0)}>${t("handoff.over")}</button>
        <button class="stop" ?disabled=${i()} data-do="close" @click=${v(e,!1)}>${t("handoff.close")}</button></div>`:r}
    </article>`};return{title:t("handoff.title"),load:w,view:I,live:!0,ticks:!0}}export{X as handoff};
