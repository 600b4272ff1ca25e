/** What waits for somebody: for one's own signature, or for another's. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { amount, askedWords } from '../lib/asking'
import { open as openCase } from '../lib/cases'
import { left, setClock } from '../lib/clock'
import { type Bounds, boundsOf, sign as sendCommand } from '../lib/commands'
import { type Proposal, answer, fieldsOf, proposals, remove } from '../lib/desk'
import { read } from '../lib/chain'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { type Page, act, isBusy, nameOf, who } from '../lib/shell'
import { ago, number, t } from '../lib/words'
import { signIns } from './home'

interface Waiting {
  one: Proposal
  bounds?: Bounds
  /** Whether the patient lets this clinician command devices. */
  allowed?: boolean
}

export function signing(): Page {
  let waiting: Waiting[] = []

  async function load(): Promise<void> {
    await setClock()
    waiting = who() ? await Promise.all((await proposals()).map(looked)) : []
  }

  async function looked(one: Proposal): Promise<Waiting> {
    if (one.kind !== 'Command') return { one }
    const { device, code, twinId, clinician } = fieldsOf(one)
    const [bounds, allowed] = await Promise.all([
      boundsOf(device, Number(code)), read('ConsentRegistry', 'isAllowed', twinId, clinician, CATEGORY.equipment, PURPOSE.care),
    ])
    return { one, bounds, allowed }
  }

  const sign = ({ one }: Waiting) => act(async () => {
    const me = who()!
    if (one.kind === 'Command') await sendCommand(me, one)
    else {
      const signature = await answer(me, one)
      if (one.kind === 'Case') await openCase(me, one, signature)
    }
    if (one.kind !== 'Emergency') await remove(one)
    await load()
    return t(`signed.${one.kind}`)
  })

  const drop = ({ one }: Waiting) => act(async () => {
    await remove(one)
    await load()
    return t('signing.removed')
  })

  function view(): TemplateResult {
    const me = who()
    if (!me) return signIns()
    const asked = waiting.filter(({ one }) => one.to === me.address && !one.answer)
    const mine = waiting.filter(({ one }) => one.from === me.address || (one.to === me.address && one.answer))
    return html`<p>${t('signing.lead')}</p>
      <section aria-labelledby="asked"><h2 id="asked">${t('signing.asked')}</h2>
        ${asked.length ? asked.map((found) => sheet(found, true)) : html`<p class="card">${t('signing.none')}</p>`}</section>
      ${mine.length ? html`<section aria-labelledby="mine"><h2 id="mine">${t('signing.mine')}</h2>${mine.map((found) => sheet(found, false))}</section>` : nothing}`
  }

  const sheet = (found: Waiting, toMe: boolean): TemplateResult => {
    const { one, bounds, allowed } = found
    const deadline = Number(fieldsOf(one).deadline)
    const possible = allowed !== false && (!bounds || within(one, bounds))
    return html`<article class="card" data-proposal=${one.kind} data-answered=${Boolean(one.answer)}>
      <div class="split"><h3>${t(`kind.of.${one.kind}`)}</h3><span class="soft">${ago(one.time)}</span></div>
      <p>${askedWords(one)}</p>
      ${bounds ? envelope(found, bounds) : nothing}
      ${one.kind === 'Emergency' ? html`<p class="notice warn">${t('emergency.shared')}</p>` : nothing}
      <p class="soft">${t('signing.from')} ${nameOf(one.from)}. ${toMe ? '' : html`${t('signing.to')} ${nameOf(one.to)}.`} ${t('signing.until', { left: left(deadline) })}</p>
      ${toMe ? html`<div class="choices"><button class="main" ?disabled=${isBusy() || !possible} data-do="sign" @click=${sign(found)}>${t('signing.sign')}</button>
          <button ?disabled=${isBusy()} data-do="decline" @click=${drop(found)}>${t('signing.decline')}</button></div>`
        : html`<div class="row"><span class="mark ${one.answer ? 'good' : 'warn'}">${t(one.answer ? 'signing.signed' : 'signing.waits')}</span>
          ${one.kind === 'Emergency' && one.from === who()!.address ? html`<a class="button" href=${`/ward/emergency/0x${(fieldsOf(one).twinId as bigint).toString(16)}`}>${t('emergency.go')}</a>` : nothing}
          <button ?disabled=${isBusy()} data-do="withdraw" @click=${drop(found)}>${t('signing.withdraw')}</button></div>`}
    </article>`
  }

  /** The bounds as a line from the lowest to the highest value, and where the proposed one lies; the figures beside it. */
  const envelope = ({ one, allowed }: Waiting, { low, high, interval, set }: Bounds): TemplateResult => {
    const { value, code } = fieldsOf(one)
    const at = Number(value) / 1e6
    const inside = within(one, { low, high, interval, set })
    return html`<p data-envelope=${inside}>${set ? t('bounds.are', { low: amount(low, Number(code)), high: amount(high, Number(code)), seconds: number(interval) }) : t('bounds.none')}
        <span class="mark ${inside ? 'good' : 'bad'}">${inside ? `✓ ${t('bounds.inside')}` : `✗ ${t('bounds.outside')}`}</span></p>
      ${set ? html`<meter class="envelope" min=${low} max=${high} value=${at} aria-label=${t('bounds.inside')}></meter>` : nothing}
      ${allowed === false ? html`<p class="notice warn">${t('command.not_allowed')}</p>` : nothing}`
  }

  return { title: t('signing.title'), load, view, live: 'always', ticks: true }
}

function within(one: Proposal, { low, high, set }: Bounds): boolean {
  const at = Number(fieldsOf(one).value) / 1e6
  return set && low <= at && at <= high
}
