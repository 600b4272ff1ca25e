/** Hand a case from one department to another: both sign, the receiver may look, and it ends by itself. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { type Case, askToTake, casesOf, close, isOpen } from '../lib/cases'
import { addressOf, read } from '../lib/chain'
import { left, setClock } from '../lib/clock'
import { bedName } from '../lib/asking'
import { holders } from '../lib/roles'
import type { Hex } from '../lib/bytes'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { type Page, act, draw, go, isBusy, nameOf, nameText, who } from '../lib/shell'
import { dataWords, moment, t } from '../lib/words'
import { signIns } from './home'

const HOURS = [4, 12, 48] as const

export function handoff(twin: bigint): Page {
  let cases: Case[] = []
  let departments: Hex[] = []
  let allowed = 0
  let chosen = { to: '' as Hex | '', categories: 0, hours: 0 }

  async function load(): Promise<void> {
    await setClock()
    const [found, named, grant, held] = await Promise.all([
      casesOf({ twinId: twin }), holders('CaseToken', 'DEPARTMENT_ROLE'), read('ConsentRegistry', 'grantOf', twin, addressOf('CaseToken')),
      read('ConsentRegistry', 'balanceOf', addressOf('CaseToken'), twin),
    ])
    ;[cases, departments] = [found, named]
    allowed = held === 1n && grant.purposes & PURPOSE.care ? grant.categories : 0
  }

  function changed(event: Event): void {
    const data = new FormData(event.currentTarget as HTMLFormElement)
    chosen = {
      to: String(data.get('to') ?? '') as Hex, hours: Number(data.get('hours') ?? 0),
      categories: data.getAll('data').reduce((bits: number, bit) => bits | Number(bit), 0),
    }
    draw()
  }

  const ask = act(async () => {
    await askToTake(who()!, twin, chosen.to as Hex, chosen.categories, chosen.hours)
    void go('/ward/signing')
    return t('handoff.asked')
  })

  const end = (one: Case, ended: boolean) => act(async () => {
    await close(who()!, one, ended)
    await load()
    return t('handoff.closed')
  })

  function view(): TemplateResult {
    const me = who()
    if (!me) return signIns()
    return html`<p>${bedName(twin)}</p>${departments.includes(me.address) ? form(me.address) : html`<p class="notice">${t('handoff.not_department')}</p>`}
      <section aria-labelledby="cases"><h2 id="cases">${t('handoff.cases')}</h2>
        ${cases.length ? cases.map(line) : html`<p class="card">${t('handoff.none')}</p>`}</section>`
  }

  const form = (mine: Hex): TemplateResult => allowed === 0
    ? html`<p class="notice warn" data-handoff="not-allowed">${t('handoff.not_allowed')}</p>`
    : html`<form class="card" @input=${changed} @submit=${(event: Event) => event.preventDefault()}>
      <label class="field">${t('handoff.to')}<select name="to" required><option value="">${t('allow.choose')}</option>
        ${departments.filter((one) => one !== mine).map((one) => html`<option value=${one}>${nameText(one)}</option>`)}</select></label>
      <fieldset><legend>${t('allow.what')}</legend>${Object.values(CATEGORY).filter((bit) => bit & allowed).map((bit) => html`<label><input type="checkbox" name="data" value=${bit}>${dataWords(bit)}</label>`)}</fieldset>
      <fieldset><legend>${t('handoff.until')}</legend>${HOURS.map((hours) => html`<label><input type="radio" name="hours" value=${hours}>${t('handoff.hours', { count: hours })}</label>`)}</fieldset>
      <button class="main" ?disabled=${isBusy() || !chosen.to || !chosen.categories || !chosen.hours} data-do="ask" @click=${ask}>${t('handoff.sign')}</button>
      <p class="soft">${t('handoff.lead')}</p></form>`

  const line = (one: Case): TemplateResult => {
    const open = isOpen(one)
    const party = [one.from, one.to].includes(who()!.address)
    return html`<article class="card" data-case=${open ? 'open' : one.closed ? 'closed' : 'ended'}>
      <div class="split"><h3>${nameOf(one.from)} → ${nameOf(one.to)}</h3>
        <span class="mark ${open ? 'good' : 'warn'}">${open ? t('time.left', { left: left(one.expiry) }) : t(one.closed ? (one.procedureEnded ? 'handoff.procedure_ended' : 'handoff.was_closed') : 'handoff.ended')}</span></div>
      <p>${dataWords(one.categories)}. ${t('handoff.since', { when: moment(one.opened) })} ${t('handoff.ends', { when: moment(one.expiry) })}</p>
      ${one.closedBy ? html`<p class="soft">${t('handoff.closed_by')} ${nameOf(one.closedBy)}</p>` : nothing}
      ${open && party ? html`<div class="row">
        ${one.to === who()!.address ? html`<a class="button main" href=${`/ward/0x${twin.toString(16)}`}>${t('handoff.look')}</a>` : nothing}
        <button ?disabled=${isBusy()} data-do="ended" @click=${end(one, true)}>${t('handoff.over')}</button>
        <button class="stop" ?disabled=${isBusy()} data-do="close" @click=${end(one, false)}>${t('handoff.close')}</button></div>` : nothing}
    </article>`
  }

  return { title: t('handoff.title'), load, view, live: true, ticks: true }
}
