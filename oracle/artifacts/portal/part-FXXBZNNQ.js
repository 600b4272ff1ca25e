import{D as b,a,b as u,c as p,p as i,q as g,r as f,s as h,u as w}from"./part-CQ7UAHZ3.js";import{A as m,B as l,r as d}from"./part-RENKOAWL.js";var $="1",c=(e,o)=>o===$?f(e):`\u2066${g(e,1)} ${o}\u2069`;function B(e,o){let{model:t,answered:s}=e,r=o.filter(n=>n.model.digest===t.digest&&n.answered&&n.round<e.round).at(-1);return a`<article class="card" data-round=${e.round}>
    <div class="split"><h3>${b(t.kind)}</h3><span class="soft">${w(e.asOf)}</span></div>
    ${s?a`<p><span class="big">${c(e.score,t.unit)}</span> ${N(e,r)}</p>
          <p>${i("prediction.interval",{low:c(e.low,t.unit),high:c(e.high,t.unit)})}</p>
          ${t.unit===$?k(e):p}`:a`<p class="notice warn">${i("prediction.no_answer")}</p>`}
    <p class="soft"><span lang="en">${t.answers}</span>. ${i("prediction.as_of",{when:h(e.asOf)})}
      <a href=${`/hospital#${t.digest}`}>${i("prediction.card")}</a></p>
  </article>`}function N(e,o){if(!o)return p;let t=e.score>o.score?"trend.up":e.score<o.score?"trend.down":"trend.same";return a`<span class="mark">${i(t,{before:c(o.score,e.model.unit)})}</span>`}var k=({low:e,high:o,score:t})=>a`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
  ${u`<rect class="whole" width="100" height="6"></rect><rect class="range" x=${100*e} width=${100*(o-e)} height="6"></rect>
  <rect class="point" x=${Math.max(0,100*t-.5)} width="1" height="6"></rect>`}
</svg>`;var A=1;async function E(e){let t=(await m("PredictionOracle","PredictionPosted",{twinId:e})).flatMap(s=>{let r=d().models.find(n=>n.digest===s.args.model);return r?[{event:s,model:r}]:[]});return Promise.all(t.map(async({event:s,model:r})=>{let{round:n,asOf:R,status:x,score:y,low:O,high:v,explanationRoot:P}=s.args.report;return{model:r,round:Number(n),asOf:Number(R),posted:await l(s.block),answered:Number(x)===A,score:Number(y)/1e6,low:Number(O)/1e6,high:Number(v)/1e6,transaction:s.transaction,explanationRoot:P}}))}export{c as a,B as b,E as c};
