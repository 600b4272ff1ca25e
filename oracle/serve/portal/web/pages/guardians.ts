/** For whoever signs with a passkey: who may help after a lost device, and stopping those who were not asked. */
import { type TemplateResult, html, nothing } from 'lit-html'
import type { Hex } from '../lib/bytes'
import { type Asked, type Guardians, guardiansOf, standing } from '../lib/recovery'
import { type Page, act, directory, draw, isBusy, nameOf, who } from '../lib/shell'
import { moment, t } from '../lib/words'
import { signIns } from './home'

const DAY_S = 86_400
const WAITS = [3, 7, 14] as const
const LEAST = 2

export function guardians(): Page {
  let now: Guardians = { accounts: [], threshold: 0, waiting: 0 }
  let asked: Asked[] = []
  let chosen: Hex[] = []
  let days = 0

  async function load(): Promise<void> {
    const me = who()
    if (me?.kind === 'passkey') [now, asked] = await Promise.all([guardiansOf(me.address), standing(me.address)])
  }

  function changed(event: Event): void {
    const data = new FormData(event.currentTarget as HTMLFormElement)
    chosen = data.getAll('guardian').map(String).sort((one, other) => (BigInt(one) < BigInt(other) ? -1 : 1)) as Hex[]
    days = Number(data.get('wait') ?? 0)
    draw()
  }

  const appoint = act(async () => {
    const me = who()!
    await me.sendTo(me.address, 'setGuardians', chosen, LEAST, days * DAY_S)
    await load()
    return t('guardians.done')
  })

  const stop = act(async () => {
    const me = who()!
    await me.sendTo(me.address, 'cancelRecovery')
    await load()
    return t('recovery.stopped')
  })

  function view(): TemplateResult {
    const me = who()
    if (!me) return signIns()
    if (me.kind !== 'passkey') return html`<p class="notice">${t('guardians.only_passkeys')}</p>`
    const link = `/recover/${me.address}`
    return html`
      ${asked.map((one) => html`<div class="notice bad" role="alert" data-asked><p>${t('recovery.under_way', { count: one.supporters })}
        ${one.readyAt ? t('recovery.ready', { when: moment(one.readyAt) }) : nothing}</p>
        <button class="stop" ?disabled=${isBusy()} data-do="stop-recovery" @click=${stop}>${t('recovery.stop')}</button></div>`)}
      <p>${t('guardians.lead')}</p>
      ${now.accounts.length ? html`<section class="card" data-guardians=${now.accounts.length}><h2>${t('guardians.now')}</h2><ul>${now.accounts.map((one) => html`<li>${nameOf(one)}</li>`)}</ul>
        <p>${t('guardians.rule', { threshold: now.threshold, days: now.waiting / DAY_S })}</p>
        <p>${t('guardians.keep')} <a href=${link}><code>${location.origin}${link}</code></a></p></section>` : nothing}
      <form class="card" @input=${changed} @submit=${(event: Event) => event.preventDefault()}>
        <fieldset><legend>${t('guardians.who')}</legend>${Object.entries(directory()).filter(([account]) => account !== me.address).map(([account]) => html`
          <label><input type="checkbox" name="guardian" value=${account}>${nameOf(account as Hex)}</label>`)}</fieldset>
        <fieldset><legend>${t('guardians.wait')}</legend>${WAITS.map((wait) => html`<label><input type="radio" name="wait" value=${wait}>${t('allow.days', { count: wait })}</label>`)}</fieldset>
        <button class="main" ?disabled=${isBusy() || chosen.length < LEAST || !days} data-do="appoint" @click=${appoint}>${t('guardians.appoint')}</button>
      </form>`
  }

  return { title: t('guardians.title'), load, view }
}
