/** For anybody, without an account: is the record of a twin whole, and is this file what was recorded? */
import { type TemplateResult, html, nothing } from 'lit-html'
import { batchesOf, blockOf, gapsIn, standing } from '../lib/batches'
import { sha256, toHex } from '../lib/bytes'
import { events, timeOf } from '../lib/chain'
import { Damaged } from '../lib/failures'
import { logs } from '../lib/receipts'
import { type Page, act, go, isBusy } from '../lib/shell'
import { moment, number, t } from '../lib/words'

interface Finding {
  good: boolean
  text: string
}

export function verify(given: string | undefined): Page {
  let findings: Finding[] = []
  let dropped: Finding | null = null

  async function load(): Promise<void> {
    findings = given && /^0x[0-9a-f]{1,64}$/i.test(given) ? await check(BigInt(given)) : []
  }

  async function check(twin: bigint): Promise<Finding[]> {
    const [batches, books] = await Promise.all([batchesOf(twin), logs()])
    const broken = await Promise.all(batches.map((batch) => blockOf(batch).then(() => '', (error) => (error instanceof Damaged ? error.message : String(error)))))
    const gaps = gapsIn(batches)
    return [
      { good: batches.length > 0, text: t('verify.batches', { count: batches.length }) },
      { good: !gaps, text: t(gaps ? 'verify.gaps' : 'verify.no_gaps', { count: gaps }) },
      ...(broken.some(Boolean) ? broken.filter(Boolean).map((text) => ({ good: false, text })) : [{ good: true, text: t('verify.blocks') }]),
      ...(books.length ? [] : [{ good: false, text: t('log.none') }]),
      ...books.map((log) => ({ good: !log.problem, text: `${log.custodian}: ${t(`log.${log.problem || 'sound'}`)} (${number(log.receipts.length)})` })),
    ]
  }

  const drop = (file: File | undefined) => act(async () => {
    if (!file) return
    const digest = toHex(sha256(new Uint8Array(await file.arrayBuffer())))
    const batch = [...(await standing()).values()].flat().find((one) => one.digest === digest)
    const card = (await events('ModelRegistry', 'ModelRegistered')).find((event) => [event.args.model, event.args.cardDigest].includes(digest))
    const found = batch ?? card
    dropped = found
      ? { good: true, text: t(batch ? 'verify.is_batch' : 'verify.is_model', { when: moment(await timeOf(found.block)), block: found.block }) }
      : { good: false, text: t('verify.unknown', { digest }) }
  })

  const view = (): TemplateResult => html`<p>${t('verify.lead')}</p>
    <form class="card" @submit=${(event: SubmitEvent) => {
      event.preventDefault()
      const twin = String(new FormData(event.target as HTMLFormElement).get('twin')).trim()
      void go(`/verify/${encodeURIComponent(twin)}`)
    }}>
      <label class="field">${t('verify.twin')}<input name="twin" dir="ltr" spellcheck="false" autocomplete="off" required pattern="0x[0-9a-fA-F]{1,64}" .value=${given ? decodeURIComponent(given) : ''}></label>
      <button class="main">${t('verify.check')}</button>
    </form>
    ${findings.length ? html`<section class="card" aria-labelledby="found" data-verdict=${findings.every((one) => one.good) ? 'whole' : 'broken'}>
      <h2 id="found">${t(findings.every((one) => one.good) ? 'verify.whole' : 'verify.broken')}</h2><ul>${findings.map(line)}</ul></section>` : nothing}
    <section class="card" aria-labelledby="file"><h2 id="file">${t('verify.file')}</h2><p>${t('verify.file_lead')}</p>
      <label class="field">${t('verify.choose')}<input type="file" ?disabled=${isBusy()} @change=${(event: Event) => drop((event.target as HTMLInputElement).files?.[0])()}></label>
      ${dropped ? html`<ul>${line(dropped)}</ul>` : nothing}</section>`

  const line = ({ good, text }: Finding): TemplateResult => html`<li data-good=${good}><span class="mark ${good ? 'good' : 'bad'}">${good ? `✓ ${t('good')}` : `✗ ${t('bad')}`}</span> <span class="mono">${text}</span></li>`

  return { title: t('verify.title'), load, view }
}
