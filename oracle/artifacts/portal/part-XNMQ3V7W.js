import{b as A}from"./part-PAUAVR46.js";import{A as E,B as O,D as f,I as x,J as R,K as P,L as k,a as l,c as T,o as e,s as u,u as g,v as $,x as i,z as c}from"./part-GR3DUN5J.js";import{c as D}from"./part-N33M6WSK.js";import{g as h,h as v,j as m}from"./part-JZP5SRAI.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import{W as y}from"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var N=[7,90,365],b="other";function z(s){let t={grantee:"0x",categories:0,purposes:0,days:0},a="",n=!1,w=`/patient/0x${s.toString(16)}`;function H(p){let o=new FormData(p.currentTarget),r=d=>o.getAll(d).reduce((F,I)=>F|Number(I),0);a=String(o.get("person")??""),t.grantee=a===b?String(o.get("address")??"").trim():a,t.categories=r("data"),t.purposes=r("purpose"),t.days=Number(o.get("days")??0),n=y(t.grantee,{strict:!1})&&t.categories>0&&t.purposes>0&&t.days>0,k()}let W=R(async()=>(await D(c(),s,t),await f(w),P(e("allow.done"),"good"),e("allow.done")));function j(){if(!c())return A();let p=Object.entries(O()).filter(([o])=>o!==c().address);return l`<form @input=${H} @submit=${o=>o.preventDefault()}>
      <label class="field">${e("allow.who")}
        <select name="person" required>
          <option value="">${e("allow.choose")}</option>
          <option value=${m().contracts.PredictionOracle}>${i("PredictionOracle")}</option>
          <option value=${m().contracts.EmergencyAccess}>${i("EmergencyAccess")}</option>
          ${p.map(([o,{name:r,role:d}])=>l`<option value=${o}>${r} (${i(d)})</option>`)}
          <option value=${b}>${e("allow.other")}</option>
        </select></label>
      ${a===b?l`<label class="field">${e("allow.address")}<input name="address" autocomplete="off" spellcheck="false" dir="ltr" maxlength="42"></label>`:T}
      <fieldset><legend>${e("allow.what")}</legend>${S("data",h,g)}</fieldset>
      <fieldset><legend>${e("allow.why")}</legend>${S("purpose",v,$)}</fieldset>
      <fieldset><legend>${e("allow.until")}</legend>${N.map(o=>l`
        <label><input type="radio" name="days" value=${o}>${e("allow.days",{count:o})} <span class="soft">${u(Date.now()/1e3+o*86400)}</span></label>`)}</fieldset>
      ${n?l`<p class="notice" data-sentence>${x(t.grantee)}: ${_(t)}</p>`:l`<p class="notice">${e("allow.incomplete")}</p>`}
      <div class="choices">
        <button class="main" ?disabled=${E()||!n} data-do="yes" @click=${W}>${e("allow.yes")}</button>
        <button type="button" @click=${()=>f(w)}>${e("allow.no")}</button>
      </div></form>`}return{title:e("allow.title"),load:async()=>{},view:j}}var S=(s,t,a)=>Object.values(t).map(n=>l`<label><input type="checkbox" name=${s} value=${n}>${a(n)}</label>`),_=({categories:s,purposes:t,days:a})=>e("allow.sentence",{data:g(s),purpose:$(t),day:u(Date.now()/1e3+a*86400)});export{z as allow};
