/** Offer a twin's data to researchers at a price a day: what, what for, how long, and the terms they accept. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { formatUnits, parseUnits } from 'viem'
import { type Hex, sha256, toHex } from '../lib/bytes'
import { addressOf, now } from '../lib/chain'
import { DECIMALS, type Terms, offerOf } from '../lib/market'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { type Page, act, draw, go, isBusy, tell, who } from '../lib/shell'
import { dataWords, number, purposeWords, t } from '../lib/words'
import { signIns } from './home'

export const TERMS = '/research-1.txt'
const DAY_S = 86_400
const OPERATOR_DAYS = 365
const LONGEST = [7, 30, 90] as const
const RESEARCH = Object.entries(PURPOSE).filter(([name]) => name.startsWith('research_') || name === 'methods').map(([, bit]) => bit)

export async function digestOfTerms(): Promise<Hex> {
  const answer = await fetch(TERMS)
  if (!answer.ok) throw new Error('the terms cannot be read')
  return toHex(sha256(new Uint8Array(await answer.arrayBuffer())))
}

export function offer(twin: bigint): Page {
  const back = `/patient/0x${twin.toString(16)}`
  let standing: Terms | null = null
  let chosen = { categories: 0, purposes: 0, days: 0, price: 0n }
  let complete = false

  async function load(): Promise<void> {
    standing = await offerOf(twin)
  }

  function changed(event: Event): void {
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const sum = (name: string) => data.getAll(name).reduce((bits, bit) => bits | Number(bit), 0)
    chosen = { categories: sum('data'), purposes: sum('purpose'), days: Number(data.get('days') ?? 0), price: priceIn(String(data.get('price') ?? '')) }
    complete = chosen.categories > 0 && chosen.purposes > 0 && chosen.days > 0 && chosen.price >= BigInt(DAY_S)
    draw()
  }

  const yes = act(async () => {
    const { categories, purposes, days, price } = chosen
    const from = await now()
    const limits = { categories, purposes, notBefore: from, expiry: from + OPERATOR_DAYS * DAY_S }
    await who()!.send('ConsentRegistry', 'setOperator', twin, addressOf('AccessMarket'), limits, days * DAY_S)
    await who()!.send('AccessMarket', 'list', {
      twinId: twin, pricePerDay: price, categories, purposes, maxDays: days, terms: await digestOfTerms(), needsStudy: false,
    })
    await go(back)
    tell(t('offer.done'), 'good')
    return t('offer.done')
  })

  const end = act(async () => {
    await who()!.send('AccessMarket', 'delist', twin)
    await load()
    return t('offer.ended')
  })

  function view(): TemplateResult {
    if (!who()) return signIns()
    return html`<p>${t('offer.lead')}</p>
      ${standing ? html`<section class="card" data-standing><p>${sentence(standing.categories, standing.purposes, standing.pricePerDay, standing.maxDays)}</p>
        <button class="stop" ?disabled=${isBusy()} data-do="delist" @click=${end}>${t('offer.end')}</button></section>` : nothing}
      <form @input=${changed} @submit=${(event: Event) => event.preventDefault()}>
        <fieldset><legend>${t('allow.what')}</legend>${boxes('data', Object.values(CATEGORY), dataWords)}</fieldset>
        <fieldset><legend>${t('allow.why')}</legend>${boxes('purpose', RESEARCH, purposeWords)}</fieldset>
        <fieldset><legend>${t('offer.longest')}</legend>${LONGEST.map((days) => html`
          <label><input type="radio" name="days" value=${days}>${t('allow.days', { count: days })}</label>`)}</fieldset>
        <label class="field">${t('offer.price')}<input name="price" inputmode="decimal" autocomplete="off" dir="ltr" pattern="[0-9]{1,9}([.][0-9]{1,18})?" required></label>
        <p>${t('offer.terms')} <a href=${TERMS} download>${t('offer.terms.read')}</a></p>
        <p class="notice" data-sentence>${complete ? sentence(chosen.categories, chosen.purposes, chosen.price, chosen.days) : t('offer.incomplete')}</p>
        <div class="choices"><button class="main" ?disabled=${isBusy() || !complete} data-do="yes" @click=${yes}>${t('offer.yes')}</button>
          <button type="button" @click=${() => go(back)}>${t('offer.no')}</button></div></form>`
  }

  return { title: t('offer.title'), load, view }
}

const boxes = (name: string, bits: number[], words: (bit: number) => string): TemplateResult[] =>
  bits.map((bit) => html`<label><input type="checkbox" name=${name} value=${bit}>${words(bit)}</label>`)

const sentence = (categories: number, purposes: number, price: bigint, days: number): string => t('offer.sentence', {
  data: dataWords(categories), purpose: purposeWords(purposes), days, price: number(Number(formatUnits(price, DECIMALS)), 4),
})

function priceIn(text: string): bigint {
  return /^[0-9]{1,9}([.][0-9]{1,18})?$/.test(text) ? parseUnits(text, DECIMALS) : 0n
}
