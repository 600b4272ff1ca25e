/** What is on offer, what one bought, and how to get it: never a person, always the terms. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { formatUnits, maxUint256, zeroHash } from 'viem'
import type { Hex } from '../lib/bytes'
import { addressOf, events, read } from '../lib/chain'
import { csvOf, fetchReadings } from '../lib/custody'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { type Page, act, draw, isBusy, show, who } from '../lib/shell'
import { dataWords, day, number, purposeWords, t } from '../lib/words'
import { signIns } from './home'

const DECIMALS = 18

interface Offer {
  hash: Hex
  terms: any
  batches: number
}

interface Bought {
  twin: bigint
  categories: number
  purposes: number
  end: number
  active: boolean
  refundable: bigint
}

export function research(): Page {
  let offers: Offer[] = []
  let mine: Bought[] = []
  let files: { name: string; link: string; rows: number }[] = []

  async function load(): Promise<void> {
    const listed = await events('AccessMarket', 'OfferListed')
    const newest = [...new Map(listed.map((event) => [event.args.twinId as bigint, event.args])).values()]
    const standing = await Promise.all(newest.map((args) => read('AccessMarket', 'isListed', args.offer)))
    offers = await Promise.all(newest.filter((_, at) => standing[at]).map(async (args) => ({
      hash: args.offerHash, terms: args.offer, batches: Number(await read('DataAnchor', 'batchCount', args.twinId)),
    })))
    const me = who()
    mine = me ? await bought(me.address) : []
  }

  async function bought(buyer: Hex): Promise<Bought[]> {
    const twins = [...new Set((await events('AccessMarket', 'AccessPurchased', { buyer })).map((event) => event.args.twinId as bigint))]
    return Promise.all(twins.map(async (twin) => {
      const [grant, held, [, refundable]] = await Promise.all([
        read('ConsentRegistry', 'grantOf', twin, buyer), read('ConsentRegistry', 'balanceOf', buyer, twin),
        read('AccessMarket', 'balanceOf', twin, buyer),
      ])
      return { twin, categories: grant.categories, purposes: grant.purposes, end: Number(grant.expiry), active: held === 1n, refundable }
    }))
  }

  const buy = (offer: Offer) => act(async () => {
    const me = who()!
    const field = document.querySelector<HTMLInputElement>(`#days-${offer.hash.slice(2, 10)}`)!
    const days = Number(field.value)
    if (!Number.isInteger(days) || days < 1 || days > offer.terms.maxDays) return void field.reportValidity()
    const price = offer.terms.pricePerDay * BigInt(days)
    const allowance: bigint = await read('TestToken', 'allowance', me.address, addressOf('AccessMarket'))
    if (allowance < price) await me.send('TestToken', 'approve', addressOf('AccessMarket'), me.kind === 'demo' ? maxUint256 : price)
    await me.send('AccessMarket', 'purchase', offer.terms, days, price, zeroHash)
    await load()
    return t('buy.done', { days })
  })

  const download = (one: Bought) => act(async () => {
    const purpose = Object.values(PURPOSE).find((bit) => one.purposes & bit)!
    const category = one.categories & -one.categories
    const readings = await fetchReadings(who()!, one.twin, category, purpose)
    const rows = readings.reduce((sum, part) => sum + part.time.length, 0)
    const link = URL.createObjectURL(new Blob([csvOf(readings)], { type: 'text/csv' }))
    files = [...files, { name: `twin-${one.twin.toString(16).slice(-8)}.csv`, link, rows }]
    return t('fetch.done', { rows: number(rows) })
  })

  const settle = (one: Bought) => act(async () => {
    await who()!.send('AccessMarket', 'settle', one.twin, who()!.address)
    await load()
    return t('refund.done')
  })

  function view(): TemplateResult {
    return html`<p>${t('research.lead')}</p>
      ${who() ? access() : signIns()}
      <section aria-labelledby="offers"><h2 id="offers">${t('offers.title')}</h2>
        ${offers.length ? nothing : html`<p class="card">${t('offers.none')}</p>`}
        <div class="grid">${offers.map(card)}</div></section>`
  }

  const card = (offer: Offer): TemplateResult => {
    const { terms } = offer
    const field = `days-${offer.hash.slice(2, 10)}`
    const has = mine.some((one) => one.twin === terms.twinId && one.active)
    return html`<article class="card" data-offer=${offer.hash}><h3>${dataWords(terms.categories)}</h3>
      <p>${purposeWords(terms.purposes)}</p><p>${t('offers.batches', { count: offer.batches })}</p>
      <p><strong>${number(Number(formatUnits(terms.pricePerDay, DECIMALS)))}</strong> ${t('offers.per_day')}</p>
      ${has ? html`<p><span class="mark good">✓ ${t('offers.yours')}</span></p>` : who() ? html`
        <label class="field" for=${field}>${t('offers.days', { most: terms.maxDays })}<input id=${field} type="number" inputmode="numeric" min="1" max=${terms.maxDays} value="7" required></label>
        <button class="main" ?disabled=${isBusy()} data-do="buy" @click=${buy(offer)}>${t('offers.buy')}</button>` : nothing}
      <details><summary>${t('details')}</summary><p>${t('offers.terms')} <code>${terms.terms}</code></p><p>${t('details.twin')} <code>0x${terms.twinId.toString(16)}</code></p></details>
    </article>`
  }

  const access = (): TemplateResult => html`<section aria-labelledby="mine"><h2 id="mine">${t('mine.title')}</h2>
    ${mine.length ? nothing : html`<p class="card">${t('mine.none')}</p>`}
    ${mine.map((one) => html`<article class="card" data-bought=${one.active ? 'active' : 'ended'}>
      <div class="split"><h3>${dataWords(one.categories)}: ${purposeWords(one.purposes)}</h3>
        <span class="mark ${one.active ? 'good' : 'bad'}">${one.active ? t('mine.days', { count: Math.ceil((one.end - Date.now() / 1000) / 86_400) }) : t('mine.ended')}</span></div>
      <p>${t('mine.until', { day: day(one.end) })}</p>
      <div class="row">${one.active ? html`<button class="main" ?disabled=${isBusy()} data-do="fetch" @click=${download(one)}>${t('mine.fetch')}</button>` : nothing}
        ${one.refundable > 0n ? html`<button ?disabled=${isBusy()} data-do="settle" @click=${settle(one)}>${t('refund.take', { amount: number(Number(formatUnits(one.refundable, DECIMALS)), 4) })}</button>` : nothing}</div>
      <details><summary>${t('mine.python')}</summary><pre><code>${python(one)}</code></pre></details>
    </article>`)}
    ${files.map((file) => html`<p><a class="button" href=${file.link} download=${file.name}>${t('fetch.save', { rows: number(file.rows) })}</a></p>`)}
    <p><button @click=${() => show().then(draw)}>${t('again')}</button></p></section>`

  return { title: t('research.title'), load, view }
}

const nameOfBit = (bits: number, all: Record<string, number>): string => Object.entries(all).find(([, bit]) => bits & bit)![0]

const python = ({ twin, categories, purposes }: Bought): string => `from oracle import connect

twin = connect(key="researcher").twin("0x${twin.toString(16)}")
frame = twin.fetch(purpose="${nameOfBit(purposes, PURPOSE)}", category="${nameOfBit(categories, CATEGORY)}")`
