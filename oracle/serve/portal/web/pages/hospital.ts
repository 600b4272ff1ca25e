/** What runs: nodes, keyholders, devices, models, and where each stands on the chain. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { gapsIn, standing } from '../lib/batches'
import { posted } from '../lib/bundles'
import type { Hex } from '../lib/bytes'
import { events, read } from '../lib/chain'
import { configured } from '../lib/config'
import { cardButton } from '../lib/card'
import { type Evidence, type Finding, collect } from '../lib/evidence'
import { type Log, logs } from '../lib/receipts'
import { type Page, act, isBusy, nameOf, show } from '../lib/shell'
import { kindWords, moment, number, t } from '../lib/words'

interface Device {
  address: Hex
  twin: bigint
  calibratedUntil: number
  paired: boolean
  batches: number
  gaps: number
}

export function hospital(): Page {
  let quorum = 0
  let books: Log[] = []
  let devices: Device[] = []
  let approved: boolean[] = []
  let reports = 0
  let evidence: Evidence | null = null

  async function load(): Promise<void> {
    const { models } = configured()
    const [needed, found, pairings, anchored, told, states] = await Promise.all([
      read('PredictionOracle', 'quorum'), logs(), events('DeviceRegistry', 'DevicePaired'), standing(),
      posted(), Promise.all(models.map((model) => read('ModelRegistry', 'isApproved', model.digest))),
    ])
    ;[quorum, books, reports, approved] = [Number(needed), found, told.length, states]
    const batches = [...anchored.values()].flat()
    const newest = new Map(pairings.map((event) => [event.args.device as Hex, event]))
    devices = await Promise.all([...newest.keys()].map(async (address) => {
      const { twinId, calibratedUntil, paired } = await read('DeviceRegistry', 'deviceOf', address)
      const sequence = batches.filter(({ device }) => device === address)
      return { address, twin: twinId, calibratedUntil: Number(calibratedUntil), paired, batches: sequence.length, gaps: gapsIn(sequence) }
    }))
  }

  const gather = act(async () => {
    evidence = await collect()
    return t(evidence.whole ? 'evidence.whole' : 'evidence.broken')
  })

  const view = (): TemplateResult => html`
    <section class="card" aria-labelledby="keyholders"><h2 id="keyholders">${t('keyholders.title')}</h2><div class="scroll" tabindex="0"><table>
      <thead><tr><th scope="col">${t('keyholders.who')}</th><th scope="col">${t('keyholders.receipts')}</th><th scope="col">${t('keyholders.witnessed')}</th><th scope="col">${t('state')}</th></tr></thead>
      <tbody>${books.map((log) => html`<tr data-keyholder=${log.problem || 'sound'}><th scope="row">${nameOf(log.custodian)}</th><td>${number(log.receipts.length)}</td><td>${number(log.witnessed)}</td>
        <td>${log.problem ? html`<span class="mark bad">${t(`log.${log.problem}`)}</span>` : html`<span class="mark good">✓ ${t('log.sound')}</span>`}</td></tr>`)}</tbody></table></div></section>
    <section class="card" aria-labelledby="nodes"><h2 id="nodes">${t('nodes.title')}</h2>
      <p>${t('nodes.lead', { quorum, count: configured().signers.length, reports })}</p>
      <ul>${configured().signers.map((node) => html`<li>${nameOf(node)}</li>`)}</ul></section>
    <section class="card" aria-labelledby="devices"><h2 id="devices">${t('devices.title')}</h2><div class="scroll" tabindex="0"><table>
      <thead><tr><th scope="col">${t('devices.device')}</th><th scope="col">${t('devices.twin')}</th><th scope="col">${t('devices.calibrated')}</th><th scope="col">${t('devices.batches')}</th><th scope="col">${t('devices.gaps')}</th><th scope="col">${t('state')}</th></tr></thead>
      <tbody>${devices.map((one) => html`<tr><th scope="row">${nameOf(one.address)}</th><td class="mono">…${one.twin.toString(16).slice(-8)}</td><td>${moment(one.calibratedUntil)}</td><td>${number(one.batches)}</td><td data-gaps=${one.gaps}>${number(one.gaps)}</td><td>${state(one)}</td></tr>`)}</tbody></table></div></section>
    <section class="card" aria-labelledby="evidence"><h2 id="evidence">${t('evidence.title')}</h2><p>${t('evidence.lead')}</p>
      <button class="main" ?disabled=${isBusy()} data-do="evidence" @click=${gather}>${t('evidence.collect')}</button>${evidence ? found(evidence) : nothing}</section>
    <section aria-labelledby="models"><h2 id="models">${t('models.title')}</h2>${configured().models.map((model, at) => html`
      <article class="card" id=${model.digest}><div class="split"><h3>${kindWords(model.kind)}</h3><span class="mark ${approved[at] ? 'good' : 'warn'}">${t(approved[at] ? 'models.approved' : 'models.not_approved')}</span></div>
        <p>${model.answers}</p><p class="mono">${model.digest}</p>
        ${cardButton(model.digest)}</article>`)}</section>
    <details class="card"><summary>${t('details')}</summary><dl>${Object.entries(configured().contracts).map(([name, address]) => html`<dt>${name}</dt><dd class="mono">${address}</dd>`)}</dl></details>
    <p><button @click=${() => show()}>${t('again')}</button></p>`

  const found = (made: Evidence): TemplateResult => {
    const link = URL.createObjectURL(new Blob([JSON.stringify(made, null, 1)], { type: 'application/json' }))
    return html`<div data-evidence=${made.whole}><p>${t('evidence.holds', { events: number(made.events.length), receipts: number(made.custodians.reduce((sum, one) => sum + one.receipts.length, 0)) })}</p>
      <ul>${made.findings.map((one) => html`<li><span class="mark ${one.good ? 'good' : 'bad'}">${one.good ? `✓ ${t('good')}` : `✗ ${t('bad')}`}</span> ${finding(one)} <span class="mono">${one.about.slice(0, 6)}…${one.about.slice(-8)}</span></li>`)}</ul>
      <a class="button" href=${link} download="evidence.json">${t('evidence.save')}</a></div>`
  }

  function finding({ good, what, count, problem }: Finding): string {
    switch (what) {
      case 'gaps': return t(count ? 'verify.gaps' : 'verify.no_gaps', { count })
      case 'blocks': return problem || t('evidence.blocks', { count })
      case 'epochs': return t(good ? 'evidence.epochs' : 'evidence.bad_epochs', { count })
      case 'log': return t('evidence.log', { count, state: t(`log.${(problem || 'sound') as 'sound'}`) })
    }
  }

  const state = ({ paired, calibratedUntil }: Device): TemplateResult | typeof nothing => {
    const key = !paired ? 'devices.cut_off' : calibratedUntil < Date.now() / 1000 ? 'devices.overdue' : 'devices.good'
    return html`<span class="mark ${key === 'devices.good' ? 'good' : 'bad'}">${t(key)}</span>`
  }

  return { title: t('hospital.title'), load, view, live: true }
}
