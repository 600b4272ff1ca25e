/** A prediction as people are to read it: value, interval, age, and what it is not. */
import { type TemplateResult, html, nothing, svg } from 'lit-html'
import type { Report } from './reports'
import { ago, kindWords, moment, number, percent, t } from './words'

const PROBABILITY = '1'

export const valueWords = (value: number, unit: string): string =>
  unit === PROBABILITY ? percent(value) : `\u2066${number(value, 1)} ${unit}\u2069` // kept in order, whatever is around

export function prediction(report: Report, earlier: Report[]): TemplateResult {
  const { model, answered } = report
  const before = earlier.filter((one) => one.model.digest === model.digest && one.answered && one.round < report.round).at(-1)
  return html`<article class="card" data-round=${report.round}>
    <div class="split"><h3>${kindWords(model.kind)}</h3><span class="soft">${ago(report.asOf)}</span></div>
    ${answered
      ? html`<p><span class="big">${valueWords(report.score, model.unit)}</span> ${trend(report, before)}</p>
          <p>${t('prediction.interval', { low: valueWords(report.low, model.unit), high: valueWords(report.high, model.unit) })}</p>
          ${model.unit === PROBABILITY ? bar(report) : nothing}`
      : html`<p class="notice warn">${t(report.refuted ? 'prediction.refuted' : 'prediction.no_answer')}</p>`}
    <p class="soft"><span lang="en">${model.answers}</span>. ${t('prediction.as_of', { when: moment(report.asOf) })}
      <a href=${`/hospital#${model.digest}`}>${t('prediction.card')}</a></p>
  </article>`
}

function trend(report: Report, before?: Report): TemplateResult | typeof nothing {
  if (!before) return nothing
  const key = report.score > before.score ? 'trend.up' : report.score < before.score ? 'trend.down' : 'trend.same'
  return html`<span class="mark">${t(key, { before: valueWords(before.score, report.model.unit) })}</span>`
}

const bar = ({ low, high, score }: Report): TemplateResult => html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
  ${svg`<rect class="whole" width="100" height="6"></rect><rect class="range" x=${100 * low} width=${100 * (high - low)} height="6"></rect>
  <rect class="point" x=${Math.max(0, 100 * score - 0.5)} width="1" height="6"></rect>`}
</svg>`
