/** At the bedside: one screen, one button, and the patient owns an account and a twin. */
import { type TemplateResult, html } from 'lit-html'
import { random, toHex } from '../lib/bytes'
import { configured } from '../lib/config'
import { newPasskey } from '../lib/identity'
import { type Page, act, become, go, isBusy, who } from '../lib/shell'
import { t } from '../lib/words'
import { signIns } from './home'

const PATIENT = 1

/** A twin of a random number, owned by whoever is here; its page. */
export async function makeTwin(): Promise<string> {
  const id = (BigInt(toHex(random(31))) << 8n) | BigInt(PATIENT)
  await who()!.send('TwinToken', 'mint', id)
  return `/patient/0x${id.toString(16)}`
}

export function welcome(): Page {
  const begin = act(async () => {
    if (!who()) await become(await newPasskey('Medtwin'))
    await go(await makeTwin())
    return t('patient.made')
  })

  function view(): TemplateResult {
    if (!configured().relayer && !who()) return signIns()
    return html`<section class="card"><p>${t('home.lead')}</p>
      <ul><li>${t('welcome.nobody')}</li><li>${t('welcome.stop')}</li><li>${t('welcome.keys')}</li></ul>
      <p>${t('passkey.lead')}</p>
      <p><button class="main" ?disabled=${isBusy()} data-do="begin" @click=${begin}>${t('welcome.begin')}</button></p></section>
      <p><a href="/">${t('welcome.other')}</a></p>`
  }

  return { title: t('welcome.title'), load: async () => {}, view }
}
