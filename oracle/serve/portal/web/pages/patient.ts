/** The twins of whoever is here. */
import { type TemplateResult, html } from 'lit-html'
import { isAddress } from 'viem'
import type { Hex } from '../lib/bytes'
import { events, read } from '../lib/chain'
import { type Page, act, go, isBusy, nameOf, show, who } from '../lib/shell'
import { number, t } from '../lib/words'
import { signIns } from './home'
import { makeTwin } from './welcome'

interface Owned {
  id: bigint
  batches: number
  readers: number
}

let mine: Owned[] = []

/** With `helper`, to choose the twin that this person may look at. */
export function twins(helper?: string): Page {
  const invited = helper && isAddress(helper) ? helper : null
  return { title: t('patient.title'), load, view: () => view(invited) }
}

async function load(): Promise<void> {
  const me = who()
  mine = me ? await Promise.all((await ownedBy(me.address)).map(summary)) : []
}

async function ownedBy(account: string): Promise<bigint[]> {
  const came = (await events('TwinToken', 'Transfer', { to: account })).map((event) => event.args.tokenId as bigint)
  const owners = await Promise.all(came.map((id) => read('TwinToken', 'ownerOf', id).catch(() => null)))
  return [...new Set(came.filter((_, at) => owners[at] === account))]
}

async function summary(id: bigint): Promise<Owned> {
  const { consentsOf } = await import('../lib/consent')
  const [batches, consents] = await Promise.all([read('DataAnchor', 'batchCount', id), consentsOf(id)])
  return { id, batches: Number(batches), readers: consents.filter((one) => one.active).length }
}

function view(helper: Hex | null): TemplateResult {
  const me = who()
  if (!me) return signIns()
  return html`${helper ? html`<p class="notice">${t('patient.helper')} ${nameOf(helper)}</p>` : html`<p>${t('patient.lead')}</p>`}
    <div class="grid">${mine.map(({ id, batches, readers }, at) => html`
      <a class="card" href=${`/patient/0x${id.toString(16)}${helper ? `/allow/${helper}` : ''}`}><h2>${t('patient.twin', { number: at + 1 })}</h2>
        <p>${t('patient.batches', { count: batches })}</p><p>${t('patient.readers', { count: readers })}</p>
        <p class="soft mono">…${id.toString(16).slice(-8)}</p></a>`)}
    </div>
    ${mine.length ? '' : html`<p class="notice">${t('patient.none')}</p>`}
    <p><button class=${mine.length ? '' : 'main'} ?disabled=${isBusy()} data-do="mint" @click=${act(async () => {
      await go(await makeTwin())
      return t('patient.made')
    })}>${t('patient.make')}</button></p>
    <p><a class="button" href="/invite">${t('invite.helper')}</a></p>
    ${me.kind === 'passkey' ? html`<p><a class="button" href="/guardians">${t('guardians.title')}</a></p>` : ''}
    <p class="soft">${t('patient.count', { count: number(mine.length) })} <button @click=${() => show()}>${t('again')}</button></p>`
}
