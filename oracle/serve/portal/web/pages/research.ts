/** What is on offer, what one bought, and how to get it: never a person, always the terms. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { formatUnits, maxUint256, zeroHash } from 'viem'
import type { Hex } from '../lib/bytes'
import { addressOf, read } from '../lib/chain'
import { csvOf, fetchReadings } from '../lib/custody'
import { type Bought, DECIMALS, type Offer, boughtBy, kindOf, looksOf, offers as offersNow } from '../lib/market'
import { type Log, logs } from '../lib/receipts'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { type Page, act, draw, isBusy, show, who } from '../lib/shell'
import { dataWords, day, moment, number, purposeWords, t } from '../lib/words'
import { TERMS, digestOfTerms } from './offer'
import { signIns } from './home'

const MOST_TWINS = 100 // AccessMarket.MOST_TWINS
const money = (amount: bigint): string => number(Number(formatUnits(amount, DECIMALS)), 4)

export function research(): Page {
  let all: Offer[] = []
  let mine: Bought[] = []
  let books: Log[] = []
  let standard: Hex
  let wanted = { data: 0, purpose: 0 }
  let files: { name: string; link: string; rows: number }[] = []
  const kinds = new Map<bigint, string>()
  const cohort = new Set<Hex>()

  async function load(): Promise<void> {
    const me = who()
    ;[all, mine, standard] = await Promise.all([offersNow(), me ? boughtBy(me.address) : [], digestOfTerms()])
    if (me) void logs().then((found) => { books = found; draw() }, () => {})
  }

  const fitting = (): Offer[] => all
    .filter(({ terms }) => (!wanted.data || terms.categories & wanted.data) && (!wanted.purpose || terms.purposes & wanted.purpose))
    .sort((one, other) => Number(one.terms.pricePerDay - other.terms.pricePerDay))

  /** One offer, or a cohort of them, in one purchase. */
  const buy = (form: HTMLFormElement, chosen: Offer[]) => act(async () => {
    if (!form.reportValidity()) return
    const data = new FormData(form)
    const me = who()!
    const days = Number(data.get('days'))
    const study = (String(data.get('study') ?? '').trim() || zeroHash) as Hex
    const price = chosen.reduce((sum, { terms }) => sum + terms.pricePerDay, 0n) * BigInt(days)
    const allowance: bigint = await read('TestToken', 'allowance', me.address, addressOf('AccessMarket'))
    if (allowance < price) await me.send('TestToken', 'approve', addressOf('AccessMarket'), me.kind === 'demo' ? maxUint256 : price)
    const [first] = chosen
    if (chosen.length === 1) await me.send('AccessMarket', 'purchase', first!.terms, days, price, study)
    else await me.send('AccessMarket', 'purchaseCohort', chosen.map(({ terms }) => terms), days, price, study)
    cohort.clear()
    await load()
    return t('buy.done', { days })
  })

  const submit = (chosen: () => Offer[]) => (event: SubmitEvent) => {
    event.preventDefault()
    void buy(event.currentTarget as HTMLFormElement, chosen())()
  }

  const download = (one: Bought) => act(async () => {
    const purpose = Object.values(PURPOSE).find((bit) => one.purposes & bit)!
    const category = one.categories & -one.categories
    const readings = await fetchReadings(who()!, one.twin, category, purpose)
    const rows = readings.reduce((sum, part) => sum + part.time.length, 0)
    const link = URL.createObjectURL(new Blob([csvOf(readings)], { type: 'text/csv' }))
    files = [...files, { name: `twin-${one.twin.toString(16).slice(-8)}.csv`, link, rows }]
    books = await logs()
    return t('fetch.done', { rows: number(rows) })
  })

  const settle = (one: Bought) => act(async () => {
    await who()!.send('AccessMarket', 'settle', one.twin, who()!.address)
    await load()
    return t('refund.done')
  })

  const inside = ({ terms, batches }: Offer) => async (): Promise<void> => {
    if (kinds.has(terms.twinId)) return
    const found = await kindOf(batches).catch(() => null)
    kinds.set(terms.twinId, found ? t('offers.kind', { kind: found.schema, channels: found.channels.map(({ name, unit }) => `${name} (${unit})`).join(', ') }) : t('offers.unknown'))
    draw()
  }

  function view(): TemplateResult {
    const shown = fitting()
    const chosen = all.filter(({ hash }) => cohort.has(hash))
    return html`<p>${t('research.lead')}</p>
      ${who() ? access() : signIns()}
      <section aria-labelledby="offers"><h2 id="offers">${t('offers.title')}</h2>
        <form class="row" @input=${filter} @submit=${(event: Event) => event.preventDefault()}>
          ${choice('data', t('offers.any_data'), CATEGORY, dataWords)}${choice('purpose', t('offers.any_purpose'), PURPOSE, purposeWords)}
          <span class="soft" data-offers=${shown.length}>${t('offers.count', { count: shown.length })}</span></form>
        ${shown.length ? nothing : html`<p class="card">${t('offers.none')}</p>`}
        <div class="grid">${shown.map(card)}</div>
        ${who() && chosen.length > 1 ? together(chosen) : nothing}</section>`
  }

  function filter(event: Event): void {
    const data = new FormData(event.currentTarget as HTMLFormElement)
    wanted = { data: Number(data.get('data')), purpose: Number(data.get('purpose')) }
    draw()
  }

  const card = (offer: Offer): TemplateResult => {
    const { terms, batches } = offer
    const has = mine.some((one) => one.twin === terms.twinId && one.active)
    const readings = batches.reduce((sum, batch) => sum + Number(batch.readings), 0)
    return html`<article class="card" data-offer=${offer.hash}><h3>${dataWords(terms.categories)}</h3>
      <p>${purposeWords(terms.purposes)}</p>
      <p>${t('offers.batches', { count: batches.length })} ${batches.length ? html`${t('offers.readings', { count: readings })}
        <span class="soft">${day(batches[0]!.start)} – ${day(batches.at(-1)!.end)}</span>` : nothing}</p>
      <p><strong>${money(terms.pricePerDay)}</strong> ${t('offers.per_day')}</p>
      ${has ? html`<p><span class="mark good">✓ ${t('offers.yours')}</span></p>` : who() ? html`
        <form @submit=${submit(() => [offer])}>${period(offer.hash.slice(2, 10), terms.maxDays, terms.needsStudy)}
          <button class="main" ?disabled=${isBusy()} data-do="buy">${t('offers.buy')}</button></form>
        ${all.length > 1 ? html`<label><input type="checkbox" .checked=${cohort.has(offer.hash)} data-cohort @change=${() => toggle(offer.hash)}>${t('cohort.add')}</label>` : nothing}` : nothing}
      <details @toggle=${inside(offer)}><summary>${t('offers.inside')}</summary><p>${kinds.get(terms.twinId) ?? t('loading')}</p>
        <p>${terms.terms === standard ? html`<a href=${TERMS} download>${t('offer.terms.read')}</a>` : t('offers.terms')} <code>${terms.terms}</code></p>
        <p>${t('details.twin')} <code>0x${terms.twinId.toString(16)}</code></p></details>
    </article>`
  }

  function toggle(hash: Hex): void {
    if (!cohort.delete(hash) && cohort.size < MOST_TWINS) cohort.add(hash)
    draw()
  }

  const together = (chosen: Offer[]): TemplateResult => html`<form class="card" data-together @submit=${submit(() => chosen)}>
    <h3>${t('cohort.title', { count: chosen.length })}</h3>
    <p>${t('cohort.price', { price: money(chosen.reduce((sum, { terms }) => sum + terms.pricePerDay, 0n)) })}</p>
    ${period('cohort', Math.min(...chosen.map(({ terms }) => terms.maxDays)), chosen.some(({ terms }) => terms.needsStudy))}
    <button class="main" ?disabled=${isBusy()} data-do="buy-all">${t('cohort.buy')}</button></form>`

  const access = (): TemplateResult => html`<section aria-labelledby="mine"><h2 id="mine">${t('mine.title')}</h2>
    ${mine.length ? nothing : html`<p class="card">${t('mine.none')}</p>`}
    ${mine.map((one) => html`<article class="card" data-bought=${one.active ? 'active' : 'ended'}>
      <div class="split"><h3>${dataWords(one.categories)}: ${purposeWords(one.purposes)}</h3>
        <span class="mark ${one.active ? 'good' : 'bad'}">${one.active ? t('mine.days', { count: Math.ceil((one.end - Date.now() / 1000) / 86_400) }) : t('mine.ended')}</span></div>
      ${steps(one)}
      <div class="row">${one.active ? html`<button class="main" ?disabled=${isBusy()} data-do="fetch" @click=${download(one)}>${t('mine.fetch')}</button>` : nothing}
        ${one.refundable > 0n ? html`<button ?disabled=${isBusy()} data-do="settle" @click=${settle(one)}>${t('refund.take', { amount: money(one.refundable) })}</button>` : nothing}</div>
      <details><summary>${t('mine.python')}</summary><pre><code>${python(one)}</code></pre></details>
    </article>`)}
    ${files.map((file) => html`<p><a class="button" href=${file.link} download=${file.name}>${t('fetch.save', { rows: number(file.rows) })}</a></p>`)}
    <p><button @click=${() => show().then(draw)}>${t('again')}</button></p></section>`

  /** Where a purchase stands: each step has its entry or its receipts on record. */
  function steps(one: Bought): TemplateResult {
    const { opened, refused } = looksOf(books, one.twin, who()!.address, one.since)
    return html`<ol class="steps" data-steps>
      <li>${t('steps.paid', { amount: money(one.paid), when: moment(one.since), block: one.block })}</li>
      <li>${t(one.active ? 'steps.open' : 'steps.closed', { day: day(one.end) })}</li>
      <li>${t('steps.looks', { opened, refused })}</li>
      ${one.refundable > 0n ? html`<li>${t('steps.refund', { amount: money(one.refundable) })}</li>` : nothing}</ol>`
  }

  return { title: t('research.title'), load, view }
}

const choice = (name: string, any: string, bits: Record<string, number>, words: (bit: number) => string): TemplateResult => html`
  <select name=${name} aria-label=${any}><option value="0">${any}</option>${Object.values(bits).map((bit) => html`<option value=${bit}>${words(bit)}</option>`)}</select>`

const period = (id: string, most: number, needsStudy: boolean): TemplateResult => html`
  <label class="field" for=${`days-${id}`}>${t('offers.days', { most })}<input id=${`days-${id}`} name="days" type="number" inputmode="numeric" min="1" max=${most} value=${Math.min(7, most)} required></label>
  ${needsStudy ? html`<label class="field">${t('offers.study')}<input name="study" dir="ltr" autocomplete="off" spellcheck="false" pattern="0x[0-9a-fA-F]{64}" required></label>` : nothing}`

const nameOfBit = (bits: number, all: Record<string, number>): string => Object.entries(all).find(([, bit]) => bits & bit)![0]

const python = ({ twin, categories, purposes }: Bought): string => `from oracle import connect

twin = connect(key="researcher").twin("0x${twin.toString(16)}")
frame = twin.fetch(purpose="${nameOfBit(purposes, PURPOSE)}", category="${nameOfBit(categories, CATEGORY)}")`
