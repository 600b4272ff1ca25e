/** One twin in depth, for whoever its owner let in for care. */
import { type TemplateResult, html, nothing } from 'lit-html'
import type { Readings } from '../lib/block'
import { CATEGORY, PURPOSE } from '../generated/signed'
import { chart, signalCharts } from '../lib/charts'
import { read } from '../lib/chain'
import { configured } from '../lib/config'
import { type Batch, batchesOf, fetchReadings } from '../lib/custody'
import { prediction } from '../lib/prediction'
import { type Report, reportsOf } from '../lib/reports'
import { type Page, act, isBusy, who } from '../lib/shell'
import { ago, dataWords, kindWords, number, t } from '../lib/words'
import { signIns } from './home'

const MOST_BATCHES = 8

export function bedside(twin: bigint): Page {
  let reports: Report[] = []
  let batches: Batch[] = []
  let readings: Readings[] = []
  let covered = 0

  async function load(): Promise<void> {
    ;[reports, batches] = await Promise.all([reportsOf(twin), batchesOf(twin)])
    const me = who()
    covered = me ? Number((await read('ConsentRegistry', 'grantOf', twin, me.address)).categories) : 0
  }

  const look = (category: number) => act(async () => {
    readings = await fetchReadings(who()!, twin, category, PURPOSE.care, MOST_BATCHES)
    return t(readings.length ? 'signals.opened' : 'signals.none', { count: readings.length })
  })

  function view(): TemplateResult {
    if (!who()) return signIns()
    const answered = reports.filter((one) => one.answered)
    const models = [...new Map(reports.map((report) => [report.model.digest, report])).values()]
    const last = batches.at(-1)
    return html`<p>${last ? t('bedside.newest', { ago: ago(last.end), count: number(batches.length) }) : t('bedside.nothing')}</p>
      ${models.map((report) => prediction(report, reports))}
      ${models.map(({ model }) => {
        const course = answered.filter((one) => one.model.digest === model.digest)
        return course.length > 1 ? chart({ name: kindWords(model.kind), unit: model.unit, times: course.map((one) => one.asOf), values: course.map((one) => one.score) }) : nothing
      })}
      <section class="card" aria-labelledby="signals"><h2 id="signals">${t('signals.title')}</h2>
        <p>${t('bedside.receipt')}</p>
        <div class="row">${Object.values(CATEGORY).filter((bit) => bit & covered && bit !== CATEGORY.prediction).map((bit) => html`
          <button ?disabled=${isBusy()} data-look=${bit} @click=${look(bit)}>${t('signals.show', { what: dataWords(bit) })}</button>`)}</div>
        ${readings.length ? signalCharts(readings, configured().models.flatMap((model) => model.channels), 'signals.csv') : nothing}
      </section>`
  }

  return { title: `${t('ward.bed')} …${twin.toString(16).slice(-8)}`, load, view, live: true }
}
