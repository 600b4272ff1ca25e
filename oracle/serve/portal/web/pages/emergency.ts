/** Break the glass, and what follows from it: who signs with you, what ends when, who is told, who judges. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { bedName } from '../lib/asking'
import type { Hex } from '../lib/bytes'
import { read } from '../lib/chain'
import { left, setClock } from '../lib/clock'
import { type Proposal, fieldsOf, proposals, remove } from '../lib/desk'
import { type Use, allowedBeforehand, askSecond, close, isOpen, isOverdue, open, review, usesOf } from '../lib/emergencies'
import { holders, holds } from '../lib/roles'
import { CATEGORY, EMERGENCY_REASON } from '../generated/signed'
import { type Page, act, draw, go, isBusy, nameOf, nameText, who } from '../lib/shell'
import { dataWords, emergencyWords, moment, number, t } from '../lib/words'
import { signIns } from './home'

const HOUR_S = 3_600

export function emergency(twin?: bigint): Page {
  let uses: Use[] = []
  let clinicians: Hex[] = []
  let sheets: Proposal[] = []
  let allowed = 0
  let [reviewer, suspended, lasts, judged] = [false, false, 0, 0]
  let chosen = { reason: 0, categories: 0, second: '' as Hex | '' }

  async function load(): Promise<void> {
    const me = who()
    await setClock()
    ;[lasts, judged] = (await Promise.all([read('EmergencyAccess', 'DURATION'), read('EmergencyAccess', 'REVIEW_WITHIN')])).map(Number) as [number, number]
    if (!me) return
    ;[uses, clinicians, sheets, allowed, reviewer, suspended] = await Promise.all([
      usesOf(), holders('EmergencyAccess', 'CLINICIAN_ROLE'), proposals(), twin === undefined ? 0 : allowedBeforehand(twin),
      holds('EmergencyAccess', 'REVIEWER_ROLE', me.address), read('EmergencyAccess', 'isSuspended', me.address),
    ])
    sheets = sheets.filter((one) => one.kind === 'Emergency' && one.from === me.address && fieldsOf(one).twinId === twin)
  }

  function changed(event: Event): void {
    const data = new FormData(event.currentTarget as HTMLFormElement)
    chosen = {
      reason: Number(data.get('reason') ?? 0), second: String(data.get('second') ?? '') as Hex,
      categories: data.getAll('data').reduce((bits: number, bit) => bits | Number(bit), 0),
    }
    draw()
  }

  const ask = act(async () => {
    await askSecond(who()!, twin!, chosen.second as Hex, chosen.categories, chosen.reason)
    await load()
    return t('emergency.asked')
  })

  const begin = (one: Proposal) => act(async () => {
    await open(who()!, one)
    await remove(one)
    await load()
    return t('emergency.opened')
  })

  const withdraw = (one: Proposal) => act(async () => {
    await remove(one)
    await load()
    return t('signing.removed')
  })

  const end = (use: Use) => act(async () => {
    await close(who()!, use)
    await load()
    return t('emergency.closed')
  })

  const judge = (use: Use, justified: boolean) => act(async () => {
    await review(who()!, use, justified)
    await load()
    return t(justified ? 'emergency.justified' : 'emergency.unjustified')
  })

  function view(): TemplateResult {
    const me = who()
    if (!me) return signIns()
    const mine = uses.filter((use) => [use.clinician, use.second].includes(me.address))
    const due = uses.filter((use) => use.review === 'pending' && ![use.clinician, use.second].includes(me.address))
    const overdue = mine.filter(isOverdue)
    return html`
      ${suspended ? html`<p class="notice bad" role="alert" data-suspended>${t('emergency.suspended')}</p>` : nothing}
      ${overdue.length ? html`<p class="notice bad" role="alert" data-overdue>${t('emergency.overdue')}</p>` : nothing}
      ${clinicians.includes(me.address) ? (twin === undefined ? find() : breaking(me.address)) : reviewer ? nothing : html`<p class="notice">${t('emergency.not_clinician')}</p>`}
      ${reviewer ? html`<section aria-labelledby="due"><h2 id="due">${t('emergency.due')}</h2>${due.length ? due.map((use) => line(use, true)) : html`<p class="card">${t('emergency.none_due')}</p>`}</section>` : nothing}
      ${mine.length ? html`<section aria-labelledby="uses"><h2 id="uses">${t('emergency.mine')}</h2>${mine.map((use) => line(use, false))}</section>` : nothing}`
  }

  const find = (): TemplateResult => html`<form class="card" @submit=${(event: SubmitEvent) => {
    event.preventDefault()
    const wanted = String(new FormData(event.target as HTMLFormElement).get('twin')).trim()
    void go(`/ward/emergency/${encodeURIComponent(wanted)}`)
  }}><label class="field">${t('verify.twin')}<input name="twin" dir="ltr" spellcheck="false" autocomplete="off" required pattern="0x[0-9a-fA-F]{1,64}"></label>
    <button class="main">${t('emergency.find')}</button></form>`

  function breaking(me: Hex): TemplateResult {
    if (suspended) return html``
    const [sheet] = sheets
    if (sheet) return waiting(sheet)
    if (!allowed) return html`<p class="notice warn" data-emergency="not-allowed">${t('emergency.not_allowed')}</p>`
    const complete = chosen.reason && chosen.categories && chosen.second
    return html`<form class="card" @input=${changed} @submit=${(event: Event) => event.preventDefault()}>
      <p>${bedName(twin!)}. ${t('emergency.allowed', { data: dataWords(allowed) })}</p>
      <label class="field">${t('emergency.why')}<select name="reason" required><option value="">${t('allow.choose')}</option>
        ${Object.values(EMERGENCY_REASON).map((code) => html`<option value=${code}>${emergencyWords(code)}</option>`)}</select></label>
      <fieldset><legend>${t('emergency.what')}</legend>${Object.values(CATEGORY).filter((bit) => bit & allowed).map((bit) => html`<label><input type="checkbox" name="data" value=${bit}>${dataWords(bit)}</label>`)}</fieldset>
      <label class="field">${t('emergency.second')}<select name="second" required><option value="">${t('allow.choose')}</option>
        ${clinicians.filter((one) => one !== me).map((one) => html`<option value=${one}>${nameText(one)}</option>`)}</select></label>
      ${consequences()}
      <button class="main" ?disabled=${isBusy() || !complete} data-do="ask" @click=${ask}>${t('emergency.ask')}</button></form>`
  }

  const consequences = (): TemplateResult => html`<div class="notice warn" data-consequences><strong>${t('emergency.means')}</strong><ul>
    <li>${t('emergency.means.told')}</li><li>${t('emergency.means.ends', { hours: number(lasts / HOUR_S) })}</li>
    <li>${t('emergency.means.judged', { hours: number(judged / HOUR_S) })}</li><li>${t('emergency.means.suspended')}</li><li>${t('emergency.means.looks')}</li></ul></div>`

  const waiting = (sheet: Proposal): TemplateResult => {
    const { reason, categories } = fieldsOf(sheet)
    return html`<section class="card" data-waiting=${sheet.answer ? 'signed' : 'waits'}><p>${bedName(twin!)}: ${emergencyWords(Number(reason))}, ${dataWords(Number(categories))}</p>
      <p>${t('signing.to')} ${nameOf(sheet.to)} <span class="mark ${sheet.answer ? 'good' : 'warn'}">${t(sheet.answer ? 'signing.signed' : 'signing.waits')}</span></p>
      ${consequences()}
      <div class="choices"><button class="stop" ?disabled=${isBusy() || !sheet.answer} data-do="open" @click=${begin(sheet)}>${t('emergency.open')}</button>
        <button ?disabled=${isBusy()} data-do="withdraw" @click=${withdraw(sheet)}>${t('signing.withdraw')}</button></div></section>`
  }

  const line = (use: Use, judging: boolean): TemplateResult => {
    const running = isOpen(use)
    return html`<article class="card" data-use=${use.id} data-open=${running} data-review=${use.review}>
      <div class="split"><h3>${bedName(use.twin)}: ${emergencyWords(use.reason)}</h3>
        <span class="mark ${running ? 'bad' : 'warn'}">${running ? t('time.left', { left: left(use.expiry) }) : t('emergency.over')}</span></div>
      <p>${nameOf(use.clinician)}, ${nameOf(use.second)}. ${dataWords(use.categories)}. ${moment(use.opened)}</p>
      <p>${use.review === 'pending' ? t(isOverdue(use) ? 'emergency.review_overdue' : 'emergency.review_by', { when: moment(use.reviewBy) }) : t(`emergency.${use.review}`)}</p>
      ${judging ? html`<div class="choices"><button class="main" ?disabled=${isBusy()} data-do="justified" @click=${judge(use, true)}>${t('emergency.say_justified')}</button>
          <button class="stop" ?disabled=${isBusy()} data-do="unjustified" @click=${judge(use, false)}>${t('emergency.say_unjustified')}</button></div>`
        : running ? html`<div class="row">${use.clinician === who()!.address ? html`<a class="button main" href=${`/ward/0x${use.twin.toString(16)}`}>${t('emergency.look')}</a>` : nothing}
          <button ?disabled=${isBusy()} data-do="close" @click=${end(use)}>${t('emergency.close')}</button></div>` : nothing}
    </article>`
  }

  return { title: t('emergency.title'), load, view, live: 'always', ticks: true }
}
