/** The twins a clinician may look at, the most at risk first. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { type Way, waysOf } from '../lib/access'
import { bedName } from '../lib/asking'
import { left } from '../lib/clock'
import { proposals } from '../lib/desk'
import { explain, known } from '../lib/explanations'
import { prediction } from '../lib/prediction'
import { type Report, reportsOf } from '../lib/reports'
import { type Page, act, isBusy, show, who } from '../lib/shell'
import { inWords, verdict } from '../lib/why'
import { t } from '../lib/words'
import { signIns } from './home'

interface Bed {
  twin: bigint
  ways: Way[]
  reports: Report[]
}

export function ward(): Page {
  let beds: Bed[] = []
  let waiting = 0

  async function load(): Promise<void> {
    const me = who()
    if (!me) return
    const [ways, sheets] = await Promise.all([waysOf(me.address), proposals()])
    waiting = sheets.filter((one) => one.to === me.address && !one.answer).length
    beds = await Promise.all([...ways].map(async ([twin, found]) => ({ twin, ways: found, reports: await reportsOf(twin) })))
    beds.sort((one, other) => urgency(other) - urgency(one))
  }

  /** One after the other: each is a look of its own, with its own receipt. */
  const reasons = act(async () => {
    let missing = 0
    for (const { twin, ways, reports } of beds) {
      const newest = reports.at(-1)
      if (newest && !known(newest)) await explain(who()!, twin, newest, ways).catch(() => missing++)
    }
    return missing ? t('ward.reasons_missing', { count: missing }) : t('ward.reasons_shown')
  })

  function view(): TemplateResult {
    if (!who()) return signIns()
    return html`<p>${t('ward.lead')}</p>
      <nav class="row" aria-label=${t('ward.do')}><a class="button ${waiting ? 'main' : ''}" href="/ward/signing" data-waiting=${waiting}>${t('ward.signing', { count: waiting })}</a>
        <a class="button stop" href="/ward/emergency">${t('emergency.title')}</a>
        ${beds.some(({ reports }) => reports.length && !known(reports.at(-1)!)) ? html`<button ?disabled=${isBusy()} data-do="reasons" @click=${reasons}>${t('ward.reasons')}</button>` : nothing}</nav>
      ${beds.length ? '' : html`<p class="card">${t('ward.none')}</p>`}
      <div class="grid">${beds.map(bed)}</div>
      <p><button @click=${() => show()}>${t('again')}</button></p>`
  }

  const bed = ({ twin, ways, reports }: Bed): TemplateResult => html`<section class="card" data-bed=${`0x${twin.toString(16)}`}>
    <h2><a href=${`/ward/0x${twin.toString(16)}`}>${bedName(twin)}</a></h2>
    ${ways.filter((way) => way.through).map((way) => html`<p><span class="mark ${way.through === 'EmergencyAccess' ? 'bad' : 'warn'}">${t(`through.${way.through!}`)}</span> ${t('time.left', { left: left(way.until) })}</p>`)}
    ${reports.length ? html`${prediction(reports.at(-1)!, reports)}${because(reports.at(-1)!)}` : html`<p>${t('ward.no_forecast')}</p>`}</section>`

  const because = (report: Report): TemplateResult | typeof nothing => {
    const why = known(report)
    return why ? html`${inWords(why)}${why.checked.root && why.checked.sum ? nothing : verdict(why)}` : nothing
  }

  return { title: t('ward.title'), load, view, live: 'always', ticks: true }
}

/** No answer comes before any answer: somebody has to look. */
function urgency({ reports }: Bed): number {
  const newest = reports.at(-1)
  if (!newest) return -1
  return newest.answered ? newest.score : Infinity
}
