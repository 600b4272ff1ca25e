/** Sign in, and choose what one came for. */
import { type TemplateResult, html, nothing } from 'lit-html'
import { ready } from '../lib/chain'
import { configured } from '../lib/config'
import { type Identity, demoIdentity, keptPasskeys, newPasskey, passkeyIdentity, walletIdentity, wallets } from '../lib/identity'
import { type Page, act, become, go, isBusy, leave, who } from '../lib/shell'
import { roleWords, t } from '../lib/words'

const HOMES: Record<string, string> = { patient: '/patient', researcher: '/research', clinician: '/ward', radiology: '/ward', theatre: '/ward', reviewer: '/ward/emergency', hospital: '/hospital' }

export function home(): Page {
  return {
    title: t('home.title'),
    load: async () => {},
    view,
  }
}

function view(): TemplateResult {
  return html`
    <p>${t('home.lead')}</p>
    ${who() ? nothing : signIns()}
    <section aria-labelledby="doors"><h2 id="doors">${t('home.doors')}</h2>
      <div class="grid">
        ${(['patient', 'research', 'ward', 'hospital', 'verify'] as const).map((door) => html`
          <a class="card" href=${`/${door}`}><h3>${t(`nav.${door}`)}</h3>${t(`door.${door}`)}</a>`)}
      </div>
    </section>`
}

/** Also on pages that need to know who is there. */
export function signIns(): TemplateResult {
  const { demo, relayer } = configured()
  const kept = keptPasskeys()
  return html`<section class="card" aria-labelledby="sign-in"><h2 id="sign-in">${t('sign_in')}</h2>
    ${relayer ? html`<p>${t('passkey.lead')}</p><div class="row">
      ${kept.map((passkey) => html`<button class="main" ?disabled=${isBusy()} @click=${enter(async () => passkeyIdentity(passkey), '/patient')}>${t('passkey.use')}</button>`)}
      <button class=${kept.length ? '' : 'main'} ?disabled=${isBusy()} data-do="passkey" @click=${enter(() => newPasskey('Medtwin'), '/patient')}>${t('passkey.new')}</button>
    </div>` : nothing}
    ${wallets().length ? html`<h3>${t('wallet.title')}</h3><div class="row">${wallets().map((wallet) => html`
      <button ?disabled=${isBusy()} data-wallet=${wallet.info.uuid} @click=${enter(() => walletIdentity(wallet, () => void (who()?.kind === 'wallet' && leave(t('wallet.changed')))), '/patient')}><bdi>${wallet.info.name}</bdi></button>`)}</div>` : nothing}
    ${demo ? html`<h3>${t('demo.title')}</h3><p class="notice warn">${t('demo.lead')}</p><div class="row">${demo.roles
      .filter((role) => homeOf(role))
      .map((role) => html`<button ?disabled=${isBusy()} data-demo=${role} @click=${enter(() => demoIdentity(role), homeOf(role)!, role)}>${roleWords(role)}</button>`)}</div>` : nothing}
  </section>`
}

const homeOf = (role: string): string | undefined => HOMES[role.split('-')[0]!]

const enter = (identity: () => Promise<Identity>, home: string, role?: string) => act(async () => {
  await ready()
  await become(await identity(), role)
  void go(location.pathname === '/' ? home : location.pathname)
})
