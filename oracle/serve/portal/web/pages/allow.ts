/** Let somebody look: one decision, nothing ticked beforehand, the effect in words, yes and no of one size. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { isAddress } from 'viem'
import type { Hex } from '../lib/bytes'
import { configured } from '../lib/config'
import { type Terms, grant } from '../lib/consent'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { type Page, act, directory, draw, go, isBusy, nameOf, tell, who } from '../lib/shell'
import { dataWords, day, purposeWords, roleWords, t } from '../lib/words'
import { signIns } from './home'

const PERIODS = [7, 90, 365] as const
const OTHER = 'other'

export function allow(twin: bigint, invited?: string): Page {
  const chosen: Terms = { grantee: '0x', categories: 0, purposes: 0, days: 0 }
  let person = invited ? OTHER : ''
  let complete = false
  const back = `/patient/0x${twin.toString(16)}`

  function changed(event: Event): void {
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const sum = (name: string) => data.getAll(name).reduce((bits, bit) => bits | Number(bit), 0)
    person = String(data.get('person') ?? '')
    chosen.grantee = (person === OTHER ? String(data.get('address') ?? '').trim() : person) as Hex
    chosen.categories = sum('data')
    chosen.purposes = sum('purpose')
    chosen.days = Number(data.get('days') ?? 0)
    complete = isAddress(chosen.grantee, { strict: false }) && chosen.categories > 0 && chosen.purposes > 0 && chosen.days > 0
    draw()
  }

  const yes = act(async () => {
    await grant(who()!, twin, chosen)
    await go(back)
    tell(t('allow.done'), 'good')
    return t('allow.done')
  })

  function view(): TemplateResult {
    if (!who()) return signIns()
    const people = Object.entries(directory()).filter(([account]) => account !== who()!.address)
    return html`<form @input=${changed} @submit=${(event: Event) => event.preventDefault()}>
      <label class="field">${t('allow.who')}
        <select name="person" required>
          <option value="">${t('allow.choose')}</option>
          <option value=${configured().contracts.PredictionOracle!}>${roleWords('PredictionOracle')}</option>
          <option value=${configured().contracts.EmergencyAccess!}>${roleWords('EmergencyAccess')}</option>
          ${people.map(([account, { name, role }]) => html`<option value=${account}>${name} (${roleWords(role)})</option>`)}
          <option value=${OTHER} ?selected=${person === OTHER}>${t('allow.other')}</option>
        </select></label>
      ${person === OTHER ? html`<label class="field">${t('allow.address')}<input name="address" value=${invited ?? ''} autocomplete="off" spellcheck="false" dir="ltr" maxlength="42"></label>` : nothing}
      <fieldset><legend>${t('allow.what')}</legend>${boxes('data', CATEGORY, dataWords)}</fieldset>
      <fieldset><legend>${t('allow.why')}</legend>${boxes('purpose', PURPOSE, purposeWords)}</fieldset>
      <fieldset><legend>${t('allow.until')}</legend>${PERIODS.map((days) => html`
        <label><input type="radio" name="days" value=${days}>${t('allow.days', { count: days })} <span class="soft">${day(Date.now() / 1000 + days * 86_400)}</span></label>`)}</fieldset>
      ${complete ? html`<p class="notice" data-sentence>${nameOf(chosen.grantee)}: ${sentence(chosen)}</p>` : html`<p class="notice">${t('allow.incomplete')}</p>`}
      <div class="choices">
        <button class="main" ?disabled=${isBusy() || !complete} data-do="yes" @click=${yes}>${t('allow.yes')}</button>
        <button type="button" @click=${() => go(back)}>${t('allow.no')}</button>
      </div></form>`
  }

  return { title: t('allow.title'), load: async () => {}, view }
}

const boxes = (name: string, all: Record<string, number>, words: (bit: number) => string): TemplateResult[] =>
  Object.values(all).map((bit) => html`<label><input type="checkbox" name=${name} value=${bit}>${words(bit)}</label>`)

/** What is signed, in words: made of the signed fields alone. */
const sentence = ({ categories, purposes, days }: Terms): string =>
  t('allow.sentence', { data: dataWords(categories), purpose: purposeWords(purposes), day: day(Date.now() / 1000 + days * 86_400) })
