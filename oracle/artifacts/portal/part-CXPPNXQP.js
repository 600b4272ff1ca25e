import{G as s,Q as c,a as d,c as r,q as l,r as m}from"./part-KCCALTX3.js";import{S as o}from"./part-IYH3SDGP.js";var n=new Map;function b(t){let a=c(async()=>{n.has(t)||n.set(t,await o(`/api/models/${t}`)),requestAnimationFrame(()=>document.querySelector(`[data-card-of='${t}']`)?.showModal())});return d`<button ?disabled=${s()} data-card @click=${a}>${l("prediction.card")}</button>
    ${n.has(t)?d`<dialog data-card-of=${t} aria-label=${l("card.title")}>${$(n.get(t))}
      <form method="dialog"><button class="main">${l("card.close")}</button></form></dialog>`:r}`}var i=t=>typeof t=="number"?m(t,3):String(t);function $(t){let a=t.headline;return d`<h2 lang="en" dir="ltr">${t.title??t.name}</h2><p class="notice warn">${l("not_a_device")}</p>
    <dl lang="en" dir="ltr">
      ${a?d`<dt>${a.metric}</dt><dd><strong>${i(a.value)}</strong> (${i(a.low)} – ${i(a.high)}). ${a.how}</dd>
        <dt>${a.baseline_name}</dt><dd>${i(a.baseline_value)}</dd>`:r}
      ${["intended_use","method","data","link"].filter(e=>t[e]).map(e=>d`<dt>${e.replaceAll("_"," ")}</dt><dd>${t[e]}</dd>`)}
      ${t.intervals?d`<dt>intervals</dt><dd>${t.intervals.method}. ${t.intervals.coverage}</dd>`:r}
      ${t.limits?d`<dt>limits</dt><dd><ul>${t.limits.map(e=>d`<li>${String(e)}</li>`)}</ul></dd>`:r}
    </dl>`}export{b as a};
