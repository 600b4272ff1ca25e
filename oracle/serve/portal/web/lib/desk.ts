/** What waits for a second person's signature; the portal only carries it, and every field is shown before it is signed. */
import { TYPES } from '../generated/signed'
import type { Hex } from './bytes'
import { type TypedData, addressOf, typed } from './chain'
import type { Identity } from './identity'
import { get, post } from './server'

export type Kind = 'Case' | 'Emergency' | 'Command'

export interface Proposal {
  id: string
  kind: Kind
  from: Hex
  to: Hex
  message: Record<string, string>
  /** The proposer's own, where both sign. */
  signature: Hex
  answer: Hex | ''
  time: number
}

const COUNTS_AT: Record<Kind, string> = { Case: 'CaseToken', Emergency: 'EmergencyAccess', Command: 'DeviceLoop' }

/** Oldest first; what is not of the shape that would be signed is not shown. */
export async function proposals(): Promise<Proposal[]> {
  return (await get<Proposal[]>('/api/proposals')).filter((one) => {
    try {
      return fieldsOf(one) !== null
    } catch {
      return false
    }
  })
}

/** The fields as they are signed: exactly those of the type, addresses as they are, everything else a whole number. */
export function fieldsOf({ kind, message }: Pick<Proposal, 'kind' | 'message'>): Record<string, any> {
  const fields = TYPES[kind]
  if (Object.keys(message).length !== fields.length) throw new Error('other fields than are signed')
  return Object.fromEntries(fields.map(({ name, type }) => [name, valueOf(type, message[name]!)]))
}

function valueOf(type: string, text: string): Hex | bigint {
  if (type === 'address' && /^0x[0-9a-fA-F]{40}$/.test(text)) return text as Hex
  if (/^u?int/.test(type) && /^-?[0-9]{1,78}$/.test(text)) return BigInt(text)
  throw new Error(`no ${type}`)
}

export const typedOf = (one: Pick<Proposal, 'kind' | 'message'>): TypedData => typed(addressOf(COUNTS_AT[one.kind]), one.kind, fieldsOf(one))

export async function propose(me: Identity, kind: Kind, to: Hex, facts: Record<string, unknown>, both: boolean): Promise<void> {
  const message = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)]))
  const signature = both ? await me.sign(typedOf({ kind, message })) : '0x'
  await post('/api/proposals', { kind, to, message, signature })
}

export const answer = async (me: Identity, one: Proposal): Promise<Hex> => {
  const signature = await me.sign(typedOf(one))
  await post(`/api/proposals/${one.id}/answer`, { signature })
  return signature
}

export const remove = (one: Proposal): Promise<unknown> => post(`/api/proposals/${one.id}/remove`, {})
