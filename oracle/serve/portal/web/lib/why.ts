/** Reasons as people are to read them: the strongest in words, and all of them as steps that add up to the score. */
import { type TemplateResult, html, nothing, svg } from 'lit-html'
import { type Part, type Why, strongest } from './explanations'
import type { Report } from './reports'
import { valueWords } from './prediction'
import { featureWords, number, t } from './words'

const SHOWN = 10
const IN_WORDS = 3
const PROBABILITY = '1'

/** "↑ heart rate; ↓ age". */
export const inWords = (why: Why): TemplateResult => why.reason
  ? html`<p lang="en">${why.reason}</p>`
  : html`<ul class="reasons" data-reasons>${strongest(why).slice(0, IN_WORDS).map((part) => html`<li>${featureName(part.feature)} <span class="mark">${t(part.contribution > 0 ? 'why.raises' : 'why.lowers')}</span></li>`)}</ul>`

export function chartOf(why: Why, report: Report): TemplateResult {
  if (why.reason) return html`<p>${t('prediction.no_answer')}</p><p lang="en">${why.reason}</p>`
  const ordered = strongest(why)
  const shown = ordered.slice(0, SHOWN)
  const rest = ordered.slice(SHOWN)
  const lines: Part[] = rest.length ? [...shown, { feature: '', value: null, contribution: rest.reduce((sum, part) => sum + part.contribution, 0) }] : shown
  const steps = [why.base]
  for (const { contribution } of lines) steps.push(steps.at(-1)! + contribution)
  const [low, high] = [Math.min(0, ...steps), Math.max(0, ...steps)]
  const at = (value: number): number => (100 * (value - low)) / (high - low || 1)
  const bar = (from: number, to: number, kind: string): TemplateResult => html`<svg class="step" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${svg`
    <line x1=${at(0)} x2=${at(0)} y1="0" y2="10"></line><rect class=${kind} x=${Math.min(at(from), at(to))} width=${Math.max(0.4, Math.abs(at(to) - at(from)))} y="1" height="8"></rect>`}</svg>`
  const unit = report.model.unit === PROBABILITY ? t('why.log_odds') : report.model.unit
  return html`<div class="scroll" tabindex="0"><table class="why" data-why>
    <caption>${t('why.caption', { unit })}</caption>
    <thead><tr><th scope="col">${t('why.what')}</th><th scope="col">${t('why.value')}</th><th scope="col">${t('why.adds')}</th><th scope="col"><span class="hidden">${t('why.chart')}</span></th></tr></thead>
    <tbody><tr><th scope="row">${t('why.base')}</th><td></td><td>${signed(why.base)}</td><td>${bar(0, why.base, 'sum')}</td></tr>
      ${lines.map((part, index) => html`<tr><th scope="row">${part.feature ? featureName(part.feature) : t('why.others', { count: rest.length })}</th>
        <td>${part.feature ? (part.value === null ? t('why.missing') : number(part.value, 2)) : ''}</td>
        <td>${part.contribution > 0 ? '▲' : '▼'} ${signed(part.contribution)}</td><td>${bar(steps[index]!, steps[index + 1]!, part.contribution > 0 ? 'up' : 'down')}</td></tr>`)}
      <tr class="total"><th scope="row">${t('why.margin')}</th><td></td><td data-margin=${why.margin}>${signed(why.margin)}</td><td>${bar(0, why.margin, 'sum')}</td></tr></tbody></table></div>
    <p>${report.model.unit === PROBABILITY ? t('why.logistic', { score: valueWords(report.score, report.model.unit) }) : t('why.identity', { score: valueWords(report.score, report.model.unit) })}</p>
    ${rest.length ? html`<details><summary>${t('why.others', { count: rest.length })}</summary><ul>${rest.map((part) => html`<li>${featureName(part.feature)} ${part.contribution > 0 ? '▲' : '▼'} ${signed(part.contribution)}</li>`)}</ul></details>` : nothing}
    <p>${verdict(why)}</p>`
}

export const verdict = ({ checked }: Why): TemplateResult => checked.root && checked.sum
  ? html`<span class="mark good" data-explained="true">✓ ${t('looks.verified')}</span> ${t('why.checked')}`
  : html`<span class="mark bad" role="alert" data-explained="false">✗ ${t(checked.root ? 'why.bad_sum' : 'why.bad_root')}</span>`

const signed = (value: number): string => `\u2066${value > 0 ? '+' : ''}${number(value, 3)}\u2069`
/** As the model's card has it, which is English. */
const featureName = (name: string): TemplateResult => html`<bdi lang="en">${featureWords(name)}</bdi>`
