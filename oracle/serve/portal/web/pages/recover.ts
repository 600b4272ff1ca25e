/** A lost device: a new passkey here, two people who know the owner, some days, and the account is back. */
import { type TemplateResult, html, nothing } from 'lit-html'
import type { Hex } from '../lib/bytes'
import { mined, now } from '../lib/chain'
import { replacementKey } from '../lib/identity'
import { type Asked, type Guardians, askedFor, guardiansOf } from '../lib/recovery'
import { post } from '../lib/server'
import { type Page, act, go, isBusy, nameOf, who } from '../lib/shell'
import { moment, t } from '../lib/words'
import { signIns } from './home'

export function recover(account: Hex, x?: Hex, y?: Hex): Page {
  let allowed: Guardians
  let asked: Asked | null = null
  let time = 0
  let back = false

  async function load(): Promise<void> {
    ;[allowed, time] = await Promise.all([guardiansOf(account), now()])
    if (x && y) asked = await askedFor(account, x, y)
  }

  const make = act(async () => {
    const key = await replacementKey(account)
    await go(`/recover/${account}/${key.x}/${key.y}`)
  })

  const help = act(async () => {
    await who()!.sendTo(account, 'supportRecovery', x, y)
    await load()
    return t('recover.helped')
  })

  const finish = act(async () => {
    await mined((await post('/api/recover', { account, x: asked!.x, y: asked!.y })).transaction)
    back = true
    return t('recover.back')
  })

  function view(): TemplateResult {
    if (back) return html`<p><a class="button main" href="/patient">${t('recover.enter')}</a></p>`
    if (!asked) return html`<p>${t('recover.lead')}</p><p>${t('guardians.rule', { threshold: allowed.threshold, days: allowed.waiting / 86_400 })}</p>
      <p><button class="main" ?disabled=${isBusy()} data-do="replace" @click=${make}>${t('recover.make')}</button></p>`
    const me = who()
    const guardian = me && allowed.accounts.includes(me.address)
    return html`
      <section class="card" data-supporters=${asked.supporters}><p>${t('recover.status', { count: asked.supporters, threshold: allowed.threshold })}
        ${asked.readyAt ? t('recovery.ready', { when: moment(asked.readyAt) }) : nothing}</p>
        <p>${t('recover.send')}</p><p><code>${location.href}</code></p>
        ${asked.readyAt && asked.readyAt <= time ? html`<button class="main" ?disabled=${isBusy()} data-do="finish" @click=${finish}>${t('recover.finish')}</button>` : nothing}</section>
      ${guardian ? html`<section class="card"><p>${t('recover.ask', { threshold: allowed.threshold })} ${nameOf(account)}</p>
        <div class="choices"><button class="main" ?disabled=${isBusy()} data-do="help" @click=${help}>${t('recover.help')}</button>
          <button @click=${() => go('/')}>${t('recover.refuse')}</button></div></section>`
        : me ? html`<p class="notice">${t('recover.not_guardian')}</p>` : html`<p>${t('recover.guardians')}</p>${signIns()}`}`
  }

  return { title: t('recover.title'), load, view }
}
