import{c as S}from"./part-TZN7C2TG.js";import{b as D}from"./part-56EJ6JZL.js";import{F as p,G as O,H as x,J as w,O as R,Q as P,R as k,S as A,a as l,c as E,q as e,u as $,w as f,x as b,z as c}from"./part-KCCALTX3.js";import{j as v,k as T,r as g}from"./part-IYH3SDGP.js";import"./part-KJT6NJ4M.js";import"./part-JRTMVY62.js";import"./part-WYLS35Y5.js";import{W as h}from"./part-ZSQXYAZD.js";import"./part-MAZXEF7M.js";import"./part-AJJ3ULMT.js";var _=[7,90,365],r="other";function J(s,n){let t={grantee:"0x",categories:0,purposes:0,days:0},a=n?r:"",d=!1,y=`/patient/0x${s.toString(16)}`;function W(m){let o=new FormData(m.currentTarget),i=u=>o.getAll(u).reduce((I,N)=>I|Number(N),0);a=String(o.get("person")??""),t.grantee=a===r?String(o.get("address")??"").trim():a,t.categories=i("data"),t.purposes=i("purpose"),t.days=Number(o.get("days")??0),d=h(t.grantee,{strict:!1})&&t.categories>0&&t.purposes>0&&t.days>0,A()}let j=P(async()=>(await S(p(),s,t),await w(y),k(e("allow.done"),"good"),e("allow.done")));function F(){if(!p())return D();let m=Object.entries(x()).filter(([o])=>o!==p().address);return l`<form @input=${W} @submit=${o=>o.preventDefault()}>
      <label class="field">${e("allow.who")}
        <select name="person" required>
          <option value="">${e("allow.choose")}</option>
          <option value=${g().contracts.PredictionOracle}>${c("PredictionOracle")}</option>
          <option value=${g().contracts.EmergencyAccess}>${c("EmergencyAccess")}</option>
          ${m.map(([o,{name:i,role:u}])=>l`<option value=${o}>${i} (${c(u)})</option>`)}
          <option value=${r} ?selected=${a===r}>${e("allow.other")}</option>
        </select></label>
      ${a===r?l`<label class="field">${e("allow.address")}<input name="address" value=${n??""} autocomplete="off" spellcheck="false" dir="ltr" maxlength="42"></label>`:E}
      <fieldset><legend>${e("allow.what")}</legend>${H("data",v,f)}</fieldset>
      <fieldset><legend>${e("allow.why")}</legend>${H("purpose",T,b)}</fieldset>
      <fieldset><legend>${e("allow.until")}</legend>${_.map(o=>l`
        <label><input type="radio" name="days" value=${o}>${e("allow.days",{count:o})} <span class="soft">${$(Date.now()/1e3+o*86400)}</span></label>`)}</fieldset>
      ${d?l`<p class="notice" data-sentence>${R(t.grantee)}: ${q(t)}</p>`:l`<p class="notice">${e("allow.incomplete")}</p>`}
      <div class="choices">
        <button class="main" ?disabled=${O()||!d} data-do="yes" @click=${j}>${e("allow.yes")}</button>
        <button type="button" @click=${()=>w(y)}>${e("allow.no")}</button>
      </div></form>`}return{title:e("allow.title"),load:async()=>{},view:F}}var H=(s,n,t)=>Object.values(n).map(a=>l`<label><input type="checkbox" name=${s} value=${a}>${t(a)}</label>`),q=({categories:s,purposes:n,days:t})=>e("allow.sentence",{data:f(s),purpose:b(n),day:$(Date.now()/1e3+t*86400)});export{J as allow};
