/** A model's card as a dialog: what it answers, how good it was found, where it ends. */
import { type TemplateResult, html, nothing } from 'lit-html'
import type { Hex } from './bytes'
import { act, isBusy } from './shell'
import { get } from './server'
import { number, t } from './words'

const cards = new Map<Hex, any>()

/** A button that opens it; the card is the one that the deployment ships. */
export function cardButton(digest: Hex): TemplateResult {
  const open = act(async () => {
    if (!cards.has(digest)) cards.set(digest, await get(`/api/models/${digest}`))
    requestAnimationFrame(() => document.querySelector<HTMLDialogElement>(`[data-card-of='${digest}']`)?.showModal())
  })
  return html`<button ?disabled=${isBusy()} data-card @click=${open}>${t('prediction.card')}</button>
    ${cards.has(digest) ? html`<dialog data-card-of=${digest} aria-label=${t('card.title')}>${card(cards.get(digest))}
      <form method="dialog"><button class="main">${t('card.close')}</button></form></dialog>` : nothing}`
}

const figure = (value: unknown): string => (typeof value === 'number' ? number(value, 3) : String(value))

/** The figures stand in the card's own English; what frames them is translated. */
function card(one: any): TemplateResult {
  const best = one.headline
  return html`<h2 lang="en" dir="ltr">${one.title ?? one.name}</h2><p class="notice warn">${t('not_a_device')}</p>
    <dl lang="en" dir="ltr">
      ${best ? html`<dt>${best.metric}</dt><dd><strong>${figure(best.value)}</strong> (${figure(best.low)} – ${figure(best.high)}). ${best.how}</dd>
        <dt>${best.baseline_name}</dt><dd>${figure(best.baseline_value)}</dd>` : nothing}
      ${['intended_use', 'method', 'data', 'link'].filter((name) => one[name]).map((name) => html`<dt>${name.replaceAll('_', ' ')}</dt><dd>${one[name]}</dd>`)}
      ${one.intervals ? html`<dt>intervals</dt><dd>${one.intervals.method}. ${one.intervals.coverage}</dd>` : nothing}
      ${one.limits ? html`<dt>limits</dt><dd><ul>${one.limits.map((limit: unknown) => html`<li>${String(limit)}</li>`)}</ul></dd>` : nothing}
    </dl>`
}
