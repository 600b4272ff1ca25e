/** What a proposal asks somebody to sign, in words made of the signed fields alone. */
import { type TemplateResult, html } from 'lit-html'
import { codeName, unitOf } from './commands'
import { type Proposal, fieldsOf } from './desk'
import { nameOf } from './shell'
import { commandWords, dataWords, emergencyWords, moment, number, t } from './words'

export const bedName = (twin: bigint): TemplateResult => html`${t('ward.bed')} <bdi class="mono">…${twin.toString(16).slice(-8)}</bdi>`

export function askedWords(one: Proposal): TemplateResult {
  const fields = fieldsOf(one)
  const bed = bedName(fields.twinId)
  switch (one.kind) {
    case 'Case': return html`${bed}: ${t('asked.case', { data: dataWords(Number(fields.categories)), until: moment(Number(fields.expiry)) })} ${nameOf(fields.from)} → ${nameOf(fields.to)}`
    case 'Emergency': return html`${bed}: ${t('asked.emergency', { reason: emergencyWords(Number(fields.reason)), data: dataWords(Number(fields.categories)) })} ${nameOf(fields.clinician)}`
    case 'Command': return html`${bed}: ${commandWords(codeName(Number(fields.code)))} → <strong>${amount(Number(fields.value) / 1e6, Number(fields.code))}</strong> ${nameOf(fields.device)}`
  }
}

/** Kept in order, whatever is around. */
export const amount = (value: number, code: number): string => `\u2066${number(value)} ${unitOf(code)}\u2069`
