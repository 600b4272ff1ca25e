/** Codes to hold up to somebody's phone: the bedside page for a new patient, and one's own account for a person one helps. */
import { type TemplateResult, html } from 'lit-html'
import { type Page, who } from '../lib/shell'
import { t } from '../lib/words'
import { signIns } from './home'

export function invite(): Page {
  function view(): TemplateResult {
    const me = who()
    return html`<div class="grid">
      ${code('/welcome', t('invite.patient'), t('invite.patient.lead'))}
      ${me ? code(`/patient/for/${me.address}`, t('invite.helper'), t('invite.helper.lead')) : html`<div><h2>${t('invite.helper')}</h2><p>${t('invite.helper.sign_in')}</p>${signIns()}</div>`}
    </div>`
  }

  return { title: t('invite.title'), load: async () => {}, view }
}

const code = (path: string, title: string, lead: string): TemplateResult => html`<section class="card"><h2>${title}</h2><p>${lead}</p>
  <p><img class="code" src=${`/api/qr?path=${path}`} alt=${t('invite.code', { address: location.origin + path })}></p>
  <p><code>${location.origin}${path}</code></p></section>`
