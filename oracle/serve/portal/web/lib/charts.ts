/** Signals as charts, each with the table behind it. */
import { type TemplateResult, html, render } from 'lit-html'
import { ref } from 'lit-html/directives/ref.js'
import uPlot from 'uplot'
import type { Readings } from './block'
import { csvOf } from './custody'
import { moment, number, t } from './words'

const MOST_ROWS = 50
const HEIGHT = 180
const PURE = '1' // UCUM's unit of plain numbers

export interface Signal {
  name: string
  unit: string
  times: number[]
  values: number[]
}

export function signalsOf(all: Readings[], units: { name: string; unit: string }[]): Signal[] {
  const signals = new Map<string, Signal>()
  for (const one of all) {
    one.time.forEach((time, at) => {
      const name = one.channels[one.channel[at]!]!
      const unit = units.find((channel) => channel.name === name)?.unit ?? ''
      const signal = signals.get(name) ?? { name, unit, times: [], values: [] }
      signals.set(name, signal)
      signal.times.push(time / 1000)
      signal.values.push(Number(one.value[at]!) / 1e6)
    })
  }
  return [...signals.values()]
}

export function signalCharts(all: Readings[], units: { name: string; unit: string }[], file: string): TemplateResult {
  const signals = signalsOf(all, units)
  const link = URL.createObjectURL(new Blob([csvOf(all)], { type: 'text/csv' }))
  return html`
    ${signals.map(chart)}
    <p><a class="button" href=${link} download=${file}>${t('signals.download')}</a></p>
  `
}

const plots = new WeakMap<Element, { plot: uPlot; signal: Signal }>()

export function chart(signal: Signal): TemplateResult {
  const title = `${signal.name.replaceAll('_', ' ')}${signal.unit && signal.unit !== PURE ? ` (${signal.unit})` : ''}`
  const drawn = (element?: Element): void => {
    if (element && plots.get(element)?.signal !== signal) requestAnimationFrame(() => plotIn(element as HTMLElement, signal))
  }
  const listed = (element?: Element): void => { // many charts that follow each second: rows only where somebody reads them
    if ((element as HTMLDetailsElement | undefined)?.open) render(table(signal, title), element!.querySelector<HTMLElement>('.scroll')!)
  }
  return html`<figure class="card">
    <h3>${title}</h3>
    <div class="chart" role="img" aria-label=${t('signals.label', { name: title, count: signal.values.length })} ${ref(drawn)}></div>
    <details ${ref(listed)} @toggle=${(event: Event) => listed(event.currentTarget as Element)}><summary>${t('signals.table')}</summary><div class="scroll" tabindex="0"></div></details>
  </figure>`
}

const table = ({ times, values }: Signal, title: string): TemplateResult => html`<table>
  <caption class="hidden">${title}</caption>
  <thead><tr><th scope="col">${t('signals.time')}</th><th scope="col">${title}</th></tr></thead>
  <tbody>${times.slice(-MOST_ROWS).map((time, at) => html`<tr><td>${moment(time)}</td><td>${number(values.slice(-MOST_ROWS)[at]!, 3)}</td></tr>`)}</tbody>
</table>`

/** New values go into the plot that is there: a board of many charts follows each second. */
function plotIn(element: HTMLElement, signal: Signal): void {
  const drawn = plots.get(element)
  const data: uPlot.AlignedData = [signal.times, signal.values]
  if (drawn?.signal.name === signal.name) {
    drawn.plot.setData(data)
    plots.set(element, { plot: drawn.plot, signal })
    return
  }
  drawn?.plot.destroy()
  const style = getComputedStyle(document.documentElement)
  const [ink, line, accent] = ['--ink-soft', '--line', '--accent'].map((name) => style.getPropertyValue(name).trim())
  const axis = { stroke: ink!, grid: { stroke: line!, width: 1 }, ticks: { stroke: line! } }
  const plot = new uPlot(
    {
      width: Math.max(200, element.clientWidth), height: HEIGHT, legend: { show: false }, cursor: { show: false },
      series: [{}, { stroke: accent!, width: 1.5, points: { show: signal.values.length < 60 } }], axes: [axis, axis],
    },
    data,
    element,
  )
  plots.set(element, { plot, signal })
}
