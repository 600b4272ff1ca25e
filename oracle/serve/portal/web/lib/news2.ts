/** The NEWS2 observation chart of the Royal College of Physicians (2017): a row a band, a column a set of observations. */
import { type TemplateResult, html } from 'lit-html'
import type { Readings } from './block'
import { NEWS2, NEWS2_PARAMETERS } from '../generated/signed'
import type { Why } from './explanations'
import { moment, number, newsWords, t } from './words'

const TOGETHER_MS = 4 * 3_600_000 // how old a value may be and still belong to one set
const MOST_COLUMNS = 8
const AIR = 0.21
const TOGETHER_S = TOGETHER_MS / 1000
/** Channels in the order in which they are preferred. */
const CHANNELS: Record<string, string[]> = {
  'respiration rate': ['respiration_rate'], 'oxygen saturation': ['oxygen_saturation'], 'systolic pressure': ['systolic_arterial', 'systolic_cuff'],
  pulse: ['heart_rate'], temperature: ['temperature'],
}
/** Near to a parameter, and none of the chart: not by an oximeter, not ACVPU. */
const UNSCORED = ['arterial_saturation', 'coma_scale'] as const
/** What reports' reasons tell of the seven. */
const FEATURES: Record<string, string> = { 'heart rate of 60 s': 'pulse', 'respiration rate': 'respiration rate' }

export interface Observations {
  /** Seconds since 1970. */
  time: number
  values: Record<string, number>
  oxygen?: boolean
  unscored: [(typeof UNSCORED)[number], number][]
}

/** One set for each batch, from what was measured in the four hours before its end. */
export function observationsOf(all: Readings[]): Observations[] {
  return all.slice(-MOST_COLUMNS).map((last) => {
    const end = last.time.at(-1)!
    const newest = (names: string[]): number | undefined => names.map((name) => latest(all, name, end)).find((value) => value !== undefined)
    const values = Object.fromEntries(Object.entries(CHANNELS).flatMap(([parameter, names]) => {
      const value = newest(names)
      return value === undefined ? [] : [[parameter, value]]
    }))
    const [ventilated, inspired] = [newest(['ventilated']), newest(['inspired_oxygen'])]
    const oxygen = ventilated ? true : inspired === undefined ? undefined : inspired > AIR
    const unscored = UNSCORED.flatMap((name): Observations['unscored'] => {
      const value = newest([name])
      return value === undefined ? [] : [[name, value]]
    })
    return { time: end / 1000, values, unscored, ...(oxygen === undefined ? {} : { oxygen }) }
  }).filter((one) => Object.keys(one.values).length)
}

/** One set for each report, of what the reasons of any model told in the four hours before. */
export function observationsOfReports(reports: { asOf: number; why: Why }[]): Observations[] {
  const told = reports.flatMap(({ asOf, why }) => why.parts.flatMap(({ feature, value }) =>
    (FEATURES[feature] && value !== null ? [{ time: asOf, parameter: FEATURES[feature], value }] : []))).sort((one, other) => one.time - other.time)
  return [...new Set(told.map(({ time }) => time))].slice(-MOST_COLUMNS).map((time) => {
    const recent = told.filter((one) => one.time <= time && one.time >= time - TOGETHER_S)
    return { time, values: Object.fromEntries(recent.map(({ parameter, value }) => [parameter, value])), unscored: [] }
  })
}

function latest(all: Readings[], name: string, end: number): number | undefined {
  for (const one of [...all].reverse()) {
    for (let at = one.time.length - 1; at >= 0; at--) {
      if (one.time[at]! > end) continue
      if (one.time[at]! <= end - TOGETHER_MS - 1) return undefined
      if (one.channels[one.channel[at]!] === name) return Number(one.value[at]!) / 1e6
    }
  }
  return undefined
}

const stepOf = (parameter: string): number => (parameter === 'temperature' ? 0.1 : 1)
/** As it would be written on the chart: half up. */
const charted = (parameter: string, value: number): number => Math.floor(Number((value / stepOf(parameter)).toFixed(6)) + 0.5) * stepOf(parameter)

interface Band {
  low: number | null
  high: number | null
  points: number
}

function bandsOf(parameter: string): Band[] {
  const rows = NEWS2[parameter]!
  return rows.map(([high, points], at) => ({ low: at ? rows[at - 1]![0]! + stepOf(parameter) : null, high, points }))
}

const isIn = ({ low, high }: Band, value: number): boolean => (low === null || value > low - 1e-9) && (high === null || value < high + 1e-9)

/** Points by parameter, where they are known. */
export function pointsOf({ values, oxygen }: Observations): Record<string, number> {
  const known = Object.entries(values).map(([parameter, value]) => [parameter, bandsOf(parameter).find((band) => isIn(band, charted(parameter, value)))!.points])
  return { ...Object.fromEntries(known), ...(oxygen === undefined ? {} : { 'air or oxygen': oxygen ? 2 : 0 }) }
}

export function newsChart(sets: Observations[]): TemplateResult {
  const columns = sets.slice(-MOST_COLUMNS)
  const parameters = Object.keys(NEWS2)
  return html`<div class="scroll" tabindex="0"><table class="news" data-news>
    <caption>${t('news.caption')}</caption>
    <thead><tr><th scope="col">${t('news.parameter')}</th><th scope="col">${t('news.band')}</th><th scope="col">${t('news.points')}</th>${columns.map((one) => html`<th scope="col">${moment(one.time)}</th>`)}</tr></thead>
    ${parameters.map((parameter) => html`<tbody>${bandsOf(parameter).reverse().map((band, at, all) => html`<tr class="p${band.points}">
      ${at ? '' : html`<th scope="rowgroup" rowspan=${all.length}>${newsWords(parameter)}</th>`}
      <td>${bandWords(band)}</td><td><span class="points">${band.points}</span></td>${columns.map(({ values }) => {
        const value = values[parameter]
        const here = value !== undefined && isIn(band, charted(parameter, value))
        return html`<td data-observed=${here ? parameter : ''}>${here ? html`● ${number(charted(parameter, value), 1)}` : ''}</td>`
      })}</tr>`)}</tbody>`)}
    <tbody>${(['air or oxygen', 'consciousness'] as const).map((parameter) => html`<tr><th scope="row">${newsWords(parameter)}</th><td></td><td></td>${columns.map(({ oxygen }) => html`
      <td>${parameter === 'consciousness' || oxygen === undefined ? t('news.not_measured') : oxygen ? html`${t('news.oxygen')} <span class="points">2</span>` : html`${t('news.air')} <span class="points">0</span>`}</td>`)}</tr>`)}</tbody>
    ${columns.some(({ unscored }) => unscored.length) ? html`<tbody><tr data-unscored><th scope="row" colspan="3">${t('news.unscored')}</th>${columns.map(({ unscored }) => html`
      <td>${unscored.map(([name, value]) => html`<div>${t(`news.${name}`, { value: number(value) })}</div>`)}</td>`)}</tr></tbody>` : ''}
    <tfoot><tr><th scope="row" colspan="3">${t('news.total')}</th>${columns.map(total)}</tr></tfoot></table></div>`
}

function total(one: Observations): TemplateResult {
  const points = pointsOf(one)
  const missing = NEWS2_PARAMETERS.filter((parameter) => !(parameter in points))
  const three = Object.values(points).includes(3)
  const alone = three ? html`<span class="mark bad">${t('news.three')}</span>` : ''
  if (!missing.length) return html`<td data-total="complete"><strong>${number(Object.values(points).reduce((sum, one) => sum + one, 0))}</strong> ${alone}</td>`
  return html`<td data-total="incomplete"><strong>${t('news.incomplete')}</strong> <span class="soft">${t('news.missing', { what: missing.map(newsWords).join(', ') })}</span> ${alone}</td>`
}

const bandWords = ({ low, high }: Band): string =>
  `\u2066${low === null ? `≤ ${number(high!, 1)}` : high === null ? `≥ ${number(low, 1)}` : low === high ? number(low, 1) : `${number(low, 1)} – ${number(high, 1)}`}\u2069`
