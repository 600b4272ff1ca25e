/** One twin, for its owner: who can see it, what it says, who looked. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { ref } from 'lit-html/directives/ref.js'
import type { Readings } from '../lib/block'
import { type Hex } from '../lib/bytes'
import { formatUnits } from 'viem'
import { events, read } from '../lib/chain'
import { configured } from '../lib/config'
import { type Consent, consentsOf, revoke } from '../lib/consent'
import { type Batch, batchesOf } from '../lib/batches'
import { fetchReadings } from '../lib/custody'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { signalCharts } from '../lib/charts'
import { type Why, explain, known } from '../lib/explanations'
import { inPlainWords } from '../lib/plain'
import { prediction, valueWords } from '../lib/prediction'
import { type Log, type Receipt, logs } from '../lib/receipts'
import { type Report, reportsOf } from '../lib/reports'
import { type Page, act, draw, isBusy, nameOf, tell, who } from '../lib/shell'
import { type Told, told, toldOf } from '../lib/told'
import { ago, dataWords, day, moment, number, purposeWords, reasonWords, t } from '../lib/words'
import { verdict } from '../lib/why'
import { signIns } from './home'

const MOST_BATCHES = 4
const MOST_LOOKS = 30
const MONTH_S = 30 * 86_400
const PER_MINUTE = '/min'
const EVERYTHING = 2 ** 32 - 1
const DECIMALS = 18

interface Earning {
  buyer: Hex
  earned: bigint
}

interface Closing {
  grantee: Hex
  asked: number
  recorded: number
  block: number
}

/** What researchers paid for and the owner has not yet taken, in the payment token. */
async function earningsOf(twin: bigint): Promise<Earning[]> {
  const buyers = [...new Set((await events('AccessMarket', 'AccessPurchased', { twinId: twin })).map((event) => event.args.buyer as Hex))]
  return Promise.all(buyers.map(async (buyer) => ({ buyer, earned: (await read('AccessMarket', 'balanceOf', twin, buyer))[0] })))
}

export function twin(id: bigint): Page {
  let owner: Hex
  let consents: Consent[] = []
  let reports: Report[] = []
  let batches: Batch[] = []
  let books: Log[] | null = null
  let readings: Readings[] = []
  let closing: Closing | null = null
  let earnings: Earning[] = []
  let beating = false
  const reasons = new Map<Hex, { why: Why; told: string[] }>()
  let openings: Told = { uses: [], cases: [] }
  const path = `/patient/0x${id.toString(16)}`

  async function load(): Promise<void> {
    ;[owner, consents, reports, batches, earnings, openings] = await Promise.all([
      read('TwinToken', 'ownerOf', id), consentsOf(id), reportsOf(id), batchesOf(id), earningsOf(id), toldOf(id),
    ])
    void logs().then((found) => { books = found; draw() }, () => { books = []; draw() })
  }

  const stop = (grantee: Hex) => act(async () => {
    const asked = performance.now()
    const block = await revoke(who()!, id, grantee)
    closing = { grantee, asked, recorded: performance.now(), block }
    consents = await consentsOf(id)
    return t('stop.done')
  })

  const stopAll = act(async () => {
    if (!confirm(t('stop.all.sure'))) return
    await who()!.send('TwinToken', 'voidGrants', id)
    consents = await consentsOf(id)
    return t('stop.all.done')
  })

  const collect = ({ buyer }: Earning) => act(async () => {
    await who()!.send('AccessMarket', 'withdraw', id, buyer)
    earnings = await earningsOf(id)
    return t('earnings.done')
  })

  const look = (category: number) => act(async () => {
    readings = await fetchReadings(who()!, id, category, PURPOSE.patient_request, MOST_BATCHES)
    if (!readings.length) tell(t('signals.none'), '')
    books = await logs()
  })

  function view(): TemplateResult {
    const me = who()
    if (!me) return signIns()
    if (me.address !== owner) return html`<p class="notice warn">${t('twin.not_yours')}</p>`
    const open = consents.filter((one) => one.active)
    const newest = [...new Map(reports.map((report) => [report.model.digest, report])).values()]
    return html`
      ${closing ? door(closing) : nothing}
      ${told(openings)}
      <section class="card" aria-labelledby="readers">
        <div class="split"><h2 id="readers">${t('readers.title')}</h2>
          <a class="button main" href=${`${path}/allow`} data-do="allow">${t('readers.allow')}</a></div>
        ${open.length ? table(open) : html`<p data-readers="0">${t('readers.none')}</p>`}
        ${open.length > 1 ? html`<button class="stop" ?disabled=${isBusy()} data-do="stop-all" @click=${stopAll}>${t('stop.all')}</button>` : nothing}
        ${past(consents.filter((one) => !one.active))}
      </section>
      <section aria-labelledby="says"><h2 id="says">${t('prediction.title')}</h2>
        ${newest.length ? newest.map((report) => html`${prediction(report, reports)}${because(report)}`) : html`<p class="card">${t('prediction.none')}</p>`}
        ${newest.filter(({ answered, model }) => answered && model.unit === PER_MINUTE).slice(0, 1).map(pace)}
      </section>
      <section class="card" aria-labelledby="signals"><h2 id="signals">${t('signals.title')}</h2>
        <p>${t('signals.lead', { count: batches.length })}</p>
        <div class="row">${([['vitals', CATEGORY.vitals], ['waveform', CATEGORY.waveform]] as const).map(([name, bit]) => html`
          <button ?disabled=${isBusy()} data-look=${name} @click=${look(bit)}>${t('signals.show', { what: dataWords(bit) })}</button>`)}</div>
        ${readings.length ? signalCharts(readings, configured().models.flatMap((model) => model.channels), 'my-signals.csv') : nothing}
      </section>
      <section class="card" aria-labelledby="looks"><h2 id="looks">${t('looks.title')}</h2>${books ? looks(books) : html`<p class="loading">${t('looks.checking')}</p>`}</section>
      ${earnings.length ? html`<section class="card" aria-labelledby="earnings"><h2 id="earnings">${t('earnings.title')}</h2><ul>${earnings.map((one) => html`
        <li class="row"><span>${nameOf(one.buyer)}: <strong>${number(Number(formatUnits(one.earned, DECIMALS)), 4)}</strong></span>
          ${one.earned ? html`<button ?disabled=${isBusy()} data-do="collect" @click=${collect(one)}>${t('earnings.take')}</button>` : nothing}</li>`)}</ul></section>` : nothing}
      <details class="card"><summary>${t('details')}</summary>
        <p>${t('details.twin')} <code>0x${id.toString(16)}</code></p><p>${t('details.owner')} <code>${owner}</code></p>
        <p>${t('details.contract')} <code>${configured().contracts.ConsentRegistry}</code></p>
      </details>
      <p class="row"><a class="button" href=${`${path}/offer`}>${t('offer.title')}</a> <a class="button" href=${`${path}/erase`}>${t('erase.title')}</a></p>`
  }

  /** Opened like the data, with one signature and a line in the list of looks; then in plain words, checked by the page. */
  const ask = (report: Report) => act(async () => {
    const way = { categories: EVERYTHING, purpose: PURPOSE.patient_request, until: Infinity }
    const why = known(report) ?? (await explain(who()!, id, report, [way]))
    reasons.set(report.explanationRoot, { why, told: await inPlainWords(why) })
    books = await logs()
  })

  function because(report: Report): TemplateResult {
    const found = reasons.get(report.explanationRoot)
    return found ? html`<div class="card" data-why><ul>${found.told.map((one) => html`<li>${one}</li>`)}</ul><p>${verdict(found.why)}</p></div>`
      : html`<p><button ?disabled=${isBusy()} data-do="why" @click=${ask(report)}>${t('prediction.why')}</button></p>`
  }

  const hearts = new WeakSet<Element>()

  function startBeating(element?: Element): void {
    if (!element || hearts.has(element)) return
    hearts.add(element)
    const { heart } = (element as HTMLElement).dataset
    void import('../lib/heart').then(({ beat }) => beat(element as HTMLElement, Number(heart))).catch(() => {
      beating = false
      tell(t('heart.none'), 'bad')
    })
  }

  /** The pace of the forecast, seen; loaded only when somebody asks for it. */
  function pace({ score, model }: Report): TemplateResult {
    const label = t('heart.label', { rate: valueWords(score, model.unit) })
    return html`<div class="card">${beating
      ? html`<div class="chart" role="img" aria-label=${label} data-heart=${score} ${ref(startBeating)}></div><p class="soft">${label}</p>`
      : html`<button data-do="heart" @click=${() => { beating = true; draw() }}>${t('heart.show')}</button>`}</div>`
  }

  const table = (open: Consent[]): TemplateResult => html`<div class="scroll"><table class="people">
    <thead><tr>${(['who', 'what', 'why', 'until', 'used'] as const).map((key) => html`<th scope="col">${t(`readers.${key}`)}</th>`)}<th scope="col"><span class="hidden">${t('stop')}</span></th></tr></thead>
    <tbody>${open.map((one) => html`<tr data-reader=${one.grantee}>
      <th scope="row">${nameOf(one.grantee)}</th><td data-label=${t('readers.what')}>${dataWords(one.categories)}</td>
      <td data-label=${t('readers.why')}>${purposeWords(one.purposes)}</td><td data-label=${t('readers.until')}>${day(one.expiry)}</td>
      <td data-label=${t('readers.used')}>${lastUse(one.grantee)}</td>
      <td><button class="stop" ?disabled=${isBusy()} data-do="stop" @click=${stop(one.grantee)}>${t('stop')}</button></td></tr>`)}</tbody>
  </table></div>`

  const past = (ended: Consent[]): TemplateResult | typeof nothing => ended.length
    ? html`<details><summary>${t('readers.past', { count: ended.length })}</summary><ul>${ended.map((one) => html`
        <li>${nameOf(one.grantee)}: ${t(one.revoked ? 'readers.stopped' : 'readers.ended')} (${dataWords(one.categories)})</li>`)}</ul></details>`
    : nothing

  function lastUse(grantee: Hex): string {
    const used = (books ?? []).flatMap((log) => log.receipts).filter((one) => one.twin === id && one.grantee === grantee && one.permitted)
    return used.length ? ago(Math.max(...used.map((one) => one.time))) : t('readers.never')
  }

  const door = ({ grantee, asked, recorded, block }: Closing): TemplateResult => html`<div class="notice good" data-closing=${block}>
    <h2>${t('door.title')}</h2><p>${t('door.lead')} ${nameOf(grantee)}</p>
    <ol class="steps"><li>${t('door.asked')}</li><li>${t('door.recorded', { block, seconds: number((recorded - asked) / 1000, 1) })}</li>
      <li>${t('door.keys', { count: configured().custodians })}</li></ol>
    <p class="soft">${t('door.limits')}</p></div>`

  function looks(all: Log[]): TemplateResult {
    const bad = all.filter((log) => log.problem)
    const mine = all.flatMap((log) => log.receipts.map((receipt) => ({ receipt, witnessed: receipt.number < log.witnessed })))
      .filter(({ receipt }) => receipt.twin === id)
    const requests = new Map<Hex, { receipts: Receipt[]; witnessed: boolean }>()
    for (const { receipt, witnessed } of mine) {
      const known = requests.get(receipt.request) ?? { receipts: [], witnessed: true }
      requests.set(receipt.request, { receipts: [...known.receipts, receipt], witnessed: known.witnessed && witnessed })
    }
    const sorted = [...requests.values()].sort((one, other) => other.receipts[0]!.time - one.receipts[0]!.time)
    return html`
      ${bad.map((log) => html`<p class="notice bad" role="alert" data-log=${log.problem}>${t(`log.${log.problem as 'silent'}`)} ${nameOf(log.custodian)}</p>`)}
      ${all.length ? nothing : html`<p class="notice bad" role="alert" data-log="none">${t('log.none')}</p>`}
      ${bad.length || !all.length ? nothing : html`<p><span class="mark good" data-verified="true">✓ ${t('looks.verified')}</span> ${t('looks.how', { logs: all.length, receipts: mine.length })}</p>`}
      ${sorted.length ? html`<p data-month>${month(sorted.map(({ receipts }) => receipts))}</p>` : html`<p>${t('looks.none')}</p>`}
      <ul>${sorted.slice(0, MOST_LOOKS).map(({ receipts, witnessed }) => line(receipts, witnessed))}</ul>`
  }

  /** What there was to see of late, in a sentence. */
  function month(requests: Receipt[][]): string {
    const recent = requests.filter(([first]) => first!.time > Date.now() / 1000 - MONTH_S)
    const refused = recent.filter((receipts) => receipts.every((one) => !one.permitted)).length
    return t('looks.month', { looks: recent.length - refused, refused })
  }

  function line(receipts: Receipt[], witnessed: boolean): TemplateResult {
    const [first] = receipts
    const refused = receipts.find((one) => !one.permitted)
    const permitted = receipts.filter((one) => one.permitted).length
    return html`<li data-look=${permitted ? 'permitted' : 'refused'}>
      <strong>${nameOf(first!.grantee)}</strong> ${permitted ? t('looks.saw', { data: dataWords(first!.category), purpose: purposeWords(first!.purpose) })
        : t('looks.refused', { data: dataWords(first!.category), reason: reasonWords(refused!.reason) })}
      <span class="soft">${moment(first!.time)}</span>
      <span class="mark ${witnessed ? 'good' : 'warn'}">${t(witnessed ? 'looks.witnessed' : 'looks.soon')}</span></li>`
  }

  return { title: t('twin.title'), load, view, live: true }
}
