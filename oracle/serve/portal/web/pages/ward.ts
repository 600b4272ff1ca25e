/** The twins a clinician is let into, the most at risk first. */
import { type TemplateResult, html } from 'lit-html'
import { twinsFor } from '../lib/consent'
import { prediction } from '../lib/prediction'
import { type Report, reportsOf } from '../lib/reports'
import { type Page, show, who } from '../lib/shell'
import { t } from '../lib/words'
import { signIns } from './home'

interface Bed {
  twin: bigint
  reports: Report[]
}

export function ward(): Page {
  let beds: Bed[] = []

  async function load(): Promise<void> {
    const me = who()
    const twins = me ? await twinsFor(me.address) : []
    beds = await Promise.all(twins.map(async (twin) => ({ twin, reports: await reportsOf(twin) })))
    beds.sort((one, other) => urgency(other) - urgency(one))
  }

  function view(): TemplateResult {
    if (!who()) return signIns()
    return html`<p>${t('ward.lead')}</p>
      ${beds.length ? '' : html`<p class="card">${t('ward.none')}</p>`}
      <div class="grid">${beds.map(({ twin, reports }) => html`<section class="card" data-bed=${`0x${twin.toString(16)}`}>
        <h2><a href=${`/ward/0x${twin.toString(16)}`}>${t('ward.bed')} <bdi class="mono">…${twin.toString(16).slice(-8)}</bdi></a></h2>
        ${reports.length ? prediction(reports.at(-1)!, reports) : html`<p>${t('prediction.none')}</p>`}</section>`)}</div>
      <p><button @click=${() => show()}>${t('again')}</button></p>`
  }

  return { title: t('ward.title'), load, view, live: true }
}

/** No answer comes before any answer: somebody has to look. */
function urgency({ reports }: Bed): number {
  const newest = reports.at(-1)
  if (!newest) return -1
  return newest.answered ? newest.score : Infinity
}
