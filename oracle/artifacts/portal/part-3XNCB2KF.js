import{B as b,a,b as u,c as d,p as i,q as g,r as f,s as h,u as w}from"./part-HOKXYKAE.js";import{o as p,x as m,y as l}from"./part-R4VNGQTD.js";var $="1",c=(e,s)=>s===$?f(e):`\u2066${g(e,1)} ${s}\u2069`;function B(e,s){let{model:t,answered:r}=e,o=s.filter(n=>n.model.digest===t.digest&&n.answered&&n.round<e.round).at(-1);return a`<article class="card" data-round=${e.round}>
    <div class="split"><h3>${b(t.kind)}</h3><span class="soft">${w(e.asOf)}</span></div>
    ${r?a`<p><span class="big">${c(e.score,t.unit)}</span> ${P(e,o)}</p>
          <p>${i("prediction.interval",{low:c(e.low,t.unit),high:c(e.high,t.unit)})}</p>
          ${t.unit===$?N(e):d}`:a`<p class="notice warn">${i("prediction.no_answer")}</p>`}
    <p class="soft"><span lang="en">${t.answers}</span>. ${i("prediction.as_of",{when:h(e.asOf)})}
      <a href=${`/hospital#${t.digest}`}>${i("prediction.card")}</a></p>
  </article>`}function P(e,s){if(!s)return d;let t=e.score>s.score?"trend.up":e.score<s.score?"trend.down":"trend.same";return a`<span class="mark">${i(t,{before:c(s.score,e.model.unit)})}</span>`}var N=({low:e,high:s,score:t})=>a`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
  ${u`<rect class="whole" width="100" height="6"></rect><rect class="range" x=${100*e} width=${100*(s-e)} height="6"></rect>
  <rect class="point" x=${Math.max(0,100*t-.5)} width="1" height="6"></rect>`}
</svg>`;var k=1;async function _(e){let t=(await m("PredictionOracle","PredictionPosted",{twinId:e})).flatMap(r=>{let o=p().models.find(n=>n.digest===r.args.model);return o?[{event:r,model:o}]:[]});return Promise.all(t.map(async({event:r,model:o})=>{let{round:n,asOf:R,status:x,score:y,low:O,high:v}=r.args.report;return{model:o,round:Number(n),asOf:Number(R),posted:await l(r.block),answered:Number(x)===k,score:Number(y)/1e6,low:Number(O)/1e6,high:Number(v)/1e6,transaction:r.transaction}}))}export{c as a,B as b,_ as c};
