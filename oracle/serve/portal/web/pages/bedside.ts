/** One twin in depth, for whoever may look: by consent for care, by an open case, or in an emergency. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { type Way, waysOf } from '../lib/access'
import { amount } from '../lib/asking'
import type { Readings } from '../lib/block'
import { CATEGORY } from '../generated/signed'
import { chart, signalCharts } from '../lib/charts'
import { left } from '../lib/clock'
import { type Sent, codeName, commandsOf } from '../lib/commands'
import { configured } from '../lib/config'
import { type Batch, batchesOf } from '../lib/batches'
import { fetchReadings } from '../lib/custody'
import { cardButton } from '../lib/card'
import { NotKept, explain, known } from '../lib/explanations'
import { type Observations, newsChart, observationsOf, observationsOfReports } from '../lib/news2'
import { prediction } from '../lib/prediction'
import { type Report, reportsOf } from '../lib/reports'
import { type Page, act, isBusy, nameOf, who } from '../lib/shell'
import { chartOf, inWords } from '../lib/why'
import { ago, commandWords, dataWords, kindWords, number, t } from '../lib/words'
import { signIns } from './home'

const MOST_BATCHES = 8

export function bedside(twin: bigint): Page {
  const path = `/ward/0x${twin.toString(16)}`
  let reports: Report[] = []
  let batches: Batch[] = []
  let readings: Readings[] = []
  let commands: Sent[] = []
  let ways: Way[] = []

  async function load(): Promise<void> {
    const me = who()
    if (!me) return
    let all: Map<bigint, Way[]>
    ;[reports, batches, commands, all] = await Promise.all([reportsOf(twin), batchesOf(twin), commandsOf(twin), waysOf(me.address)])
    ways = all.get(twin) ?? []
  }

  const look = (category: number, way: Way) => act(async () => {
    readings = await fetchReadings(who()!, twin, category, way.purpose, MOST_BATCHES, way.through)
    return t(readings.length ? 'signals.opened' : 'signals.none', { count: readings.length })
  })

  const whys = (newest: Report[]) => act(async () => {
    try {
      for (const report of newest) if (!known(report)) await explain(who()!, twin, report, ways)
    } catch (error) {
      if (error instanceof NotKept) return t('why.not_kept')
      throw error
    }
    return t('why.opened')
  })

  /** Sets of observations: from the signals that were opened, or from what the reports' reasons tell. */
  const observed = (): Observations[] => {
    const measured = observationsOf(readings)
    if (measured.length) return measured
    return observationsOfReports(reports.flatMap((report) => {
      const why = known(report)
      return why ? [{ asOf: report.asOf, why }] : []
    }))
  }

  function view(): TemplateResult {
    if (!who()) return signIns()
    const answered = reports.filter((one) => one.answered)
    const models = [...new Map(reports.map((report) => [report.model.digest, report])).values()]
    const last = batches.at(-1)
    return html`<p>${last ? t('bedside.newest', { ago: ago(last.end), count: number(batches.length) }) : t('bedside.nothing')}</p>
      <div class="row"><a class="button" href=${`${path}/handoff`}>${t('handoff.title')}</a>
        ${ways.length ? nothing : html`<a class="button stop" href=${`/ward/emergency/0x${twin.toString(16)}`}>${t('emergency.title')}</a>`}</div>
      ${ways.length ? nothing : html`<p class="notice warn">${t('bedside.no_way')}</p>`}
      ${models.map((report) => html`${prediction(report, reports)}<div class="card">${because(report)}${cardButton(report.model.digest)}</div>`)}
      ${models.some((report) => !known(report)) && ways.length ? html`<p><button class="main" ?disabled=${isBusy()} data-do="why" @click=${whys(models)}>${t('why.open')}</button></p>` : nothing}
      ${models.map(({ model }) => {
        const course = answered.filter((one) => one.model.digest === model.digest)
        return course.length > 1 ? chart({ name: kindWords(model.kind), unit: model.unit, times: course.map((one) => one.asOf), values: course.map((one) => one.score) }) : nothing
      })}
      <section class="card" aria-labelledby="signals"><h2 id="signals">${t('signals.title')}</h2>
        <p>${t('bedside.receipt')}</p>
        ${ways.filter((way) => way.through).map((way) => html`<p><span class="mark ${way.through === 'EmergencyAccess' ? 'bad' : 'warn'}">${t(`through.${way.through!}`)}</span> ${t('time.left', { left: left(way.until) })}</p>`)}
        <div class="row">${openable().map(([bit, way]) => html`
          <button ?disabled=${isBusy()} data-look=${bit} @click=${look(bit, way)}>${t('signals.show', { what: dataWords(bit) })}</button>`)}</div>
        ${readings.length ? signalCharts(readings, configured().models.flatMap((model) => model.channels), 'signals.csv') : nothing}
      </section>
      <section class="card" aria-labelledby="news"><h2 id="news">NEWS2</h2>${observed().length ? newsChart(observed()) : html`<p>${t('news.open_first')}</p>`}</section>
      ${commands.length ? html`<section class="card" aria-labelledby="feedback"><h2 id="feedback">${t('command.title')}</h2><ul>${commands.map(feedback)}</ul></section>` : nothing}`
  }

  const because = (report: Report): TemplateResult => {
    const why = known(report)
    if (!why) return html`<p>${t('why.closed')}</p>`
    const missing = why.parts.filter((part) => part.value === null).length
    return html`<h3>${t('why.title')}</h3>${inWords(why)}${chartOf(why, report)}${missing ? html`<p class="notice warn">${t('why.missing_count', { count: missing })}</p>` : nothing}`
  }

  /** Each kind of data there is a way to, with the first such way. */
  const openable = (): [number, Way][] => Object.values(CATEGORY).flatMap((bit): [number, Way][] => {
    const way = ways.find((one) => one.categories & bit)
    return way && bit !== CATEGORY.prediction && bit !== CATEGORY.equipment ? [[bit, way]] : []
  })

  const feedback = (one: Sent): TemplateResult => html`<li data-command=${one.state}>${commandWords(codeName(one.code))} → <strong>${amount(one.value, one.code)}</strong> ${nameOf(one.device)}
    <span class="mark ${one.state === 'acknowledged' ? 'good' : one.state === 'pending' ? 'warn' : 'bad'}">${t(`command.${one.state}`)}${one.state === 'pending' ? ` ${t('time.left', { left: left(one.deadline) })}` : ''}</span>
    <span class="soft">${t('command.by')} ${nameOf(one.clinician)}</span></li>`

  return { title: `${t('ward.bed')} …${twin.toString(16).slice(-8)}`, load, view, live: true, ticks: true }
}
