/** What a patient is told of emergencies and hand-offs, with the way to end them. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { type Case, casesOf, close as closeCase, isOpen as isCaseOpen } from './cases'
import { left, setClock } from './clock'
import { type Use, close as closeUse, isOpen as isUseOpen, usesOf } from './emergencies'
import { act, isBusy, nameOf, show, who } from './shell'
import { dataWords, emergencyWords, moment, t } from './words'

export interface Told {
  uses: Use[]
  cases: Case[]
}

export async function toldOf(twin: bigint): Promise<Told> {
  await setClock()
  const [uses, cases] = await Promise.all([usesOf(twin), casesOf({ twinId: twin })])
  return { uses, cases }
}

export function told({ uses, cases }: Told): TemplateResult | typeof nothing {
  if (!uses.length && !cases.length) return nothing
  return html`<section class="card" aria-labelledby="told"><h2 id="told">${t('told.title')}</h2>
    ${uses.map((use) => html`<div class="notice ${isUseOpen(use) ? 'bad' : ''}" data-told-use=${isUseOpen(use) ? 'open' : 'over'}>
      <p><strong>${t('told.emergency', { reason: emergencyWords(use.reason) })}</strong> ${nameOf(use.clinician)}, ${nameOf(use.second)}. ${t('told.opened', { data: dataWords(use.categories), when: moment(use.opened) })}
        ${isUseOpen(use) ? t('time.left', { left: left(use.expiry) }) : t('told.over')}</p>
      <p>${use.review === 'pending' ? t('told.review', { when: moment(use.reviewBy) }) : t(`told.${use.review}`)}</p>
      ${isUseOpen(use) ? html`<button class="stop" ?disabled=${isBusy()} data-do="end-use" @click=${end(() => closeUse(who()!, use))}>${t('told.end')}</button>` : nothing}</div>`)}
    ${cases.map((one) => html`<div class="notice" data-told-case=${isCaseOpen(one) ? 'open' : 'over'}>
      <p><strong>${t('told.case')}</strong> ${nameOf(one.from)} → ${nameOf(one.to)}. ${t('told.opened', { data: dataWords(one.categories), when: moment(one.opened) })}
        ${isCaseOpen(one) ? t('time.left', { left: left(one.expiry) }) : t('told.over')}</p>
      ${isCaseOpen(one) ? html`<button class="stop" ?disabled=${isBusy()} data-do="end-case" @click=${end(() => closeCase(who()!, one, false))}>${t('told.end')}</button>` : nothing}</div>`)}
  </section>`
}

const end = (work: () => Promise<number>) => act(async () => {
  await work()
  await show()
  return t('told.ended')
})
