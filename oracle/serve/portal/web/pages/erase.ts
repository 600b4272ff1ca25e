/** Erase a twin for good: what goes, what stays, and a certificate that anybody can check. */
import { type TemplateResult, html } from 'lit-html'
import { recoverAddress } from 'viem'
import type { Hex } from '../lib/bytes'
import { addressOf, digestOf, now, read, typed } from '../lib/chain'
import { configured } from '../lib/config'
import { type Page, act, go, isBusy, who } from '../lib/shell'
import { post } from '../lib/server'
import { t } from '../lib/words'
import { signIns } from './home'

const ORDER_LIFE_S = 5 * 60

interface Certificate {
  blocks: Hex[]
  statements: { custodian: Hex; key: Hex; time: number; signature: Hex }[]
}

export function erase(twin: bigint): Page {
  let owner: Hex
  let retired = false
  let certificate: Certificate | null = null
  let sound = 0

  async function load(): Promise<void> {
    ;[owner, retired] = await Promise.all([read('TwinToken', 'ownerOf', twin), read('TwinToken', 'isRetired', twin)])
  }

  const yes = act(async () => {
    const me = who()!
    if (!retired) await me.send('TwinToken', 'retire', twin)
    retired = true
    const deadline = (await now()) + ORDER_LIFE_S
    const order = { twinId: twin, owner: me.address, deadline }
    const signature = await me.sign(typed(addressOf('ConsentRegistry'), 'Erasure', order))
    certificate = (await post('/api/erase', { twin, owner: me.address, deadline, signature })) as Certificate
    sound = (await Promise.all(certificate.statements.map(isSigned))).filter(Boolean).length
    return t('erase.done')
  })

  /** Whether the keyholder itself says, about this twin, that its key is gone. */
  async function isSigned({ custodian, key, time, signature }: Certificate['statements'][number]): Promise<boolean> {
    const hash = digestOf(typed(addressOf('AuditTrail'), 'ErasureStatement', { custodian, twinId: twin, key, time }))
    return (await recoverAddress({ hash, signature })) === custodian
  }

  function view(): TemplateResult {
    const me = who()
    if (!me) return signIns()
    if (me.address !== owner) return html`<p class="notice warn">${t('twin.not_yours')}</p>`
    if (certificate) return done(certificate)
    return html`<div class="card"><p>${t('erase.lead')}</p><ul><li>${t('erase.keys', { count: configured().custodians })}</li>
      <li>${t('erase.blocks')}</li><li>${t('erase.stays')}</li></ul><p><strong>${t('erase.no_way_back')}</strong></p>
      <div class="choices"><button class="stop" ?disabled=${isBusy()} data-do="erase" @click=${yes}>${t('erase.yes')}</button>
        <button @click=${() => go(`/patient/0x${twin.toString(16)}`)}>${t('erase.no')}</button></div></div>`
  }

  const done = (made: Certificate): TemplateResult => {
    const link = URL.createObjectURL(new Blob([JSON.stringify(made, null, 1)], { type: 'application/json' }))
    return html`<div class="notice good" data-erased=${sound}><p>${t('erase.gone', { count: sound, blocks: made.blocks.length })}</p>
      <a class="button" href=${link} download="erasure.json">${t('erase.save')}</a></div>`
  }

  return { title: t('erase.title'), load, view }
}
