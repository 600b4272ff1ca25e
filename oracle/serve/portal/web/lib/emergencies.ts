/** Openings in an emergency: who, why, until when, and how they were judged. */
import type { Hex } from './bytes'
import { addressOf, events, now, read, timeOf } from './chain'
import { clock } from './clock'
import { type Proposal, fieldsOf, propose } from './desk'
import type { Identity } from './identity'
import { PURPOSE } from '../generated/signed'

const SIGN_WITHIN_S = 59 * 60
export const REVIEWS = ['pending', 'justified', 'unjustified'] as const

export interface Use {
  id: bigint
  twin: bigint
  clinician: Hex
  second: Hex
  categories: number
  reason: number
  opened: number
  expiry: number
  reviewBy: number
  review: (typeof REVIEWS)[number]
  closed: boolean
}

/** Newest first; of a twin, or all. */
export async function usesOf(twin?: bigint): Promise<Use[]> {
  const opened = await events('EmergencyAccess', 'EmergencyOpened', twin === undefined ? {} : { twinId: twin })
  const found = await Promise.all(opened.map(async ({ args, block }) => {
    const use = await read('EmergencyAccess', 'useOf', args.useId)
    return {
      id: args.useId as bigint, twin: use.twinId as bigint, clinician: use.clinician as Hex, second: use.second as Hex, categories: use.categories as number, reason: use.reason as number,
      opened: await timeOf(block), expiry: Number(use.expiry), reviewBy: Number(use.reviewBy), review: REVIEWS[use.review]!, closed: use.closed as boolean,
    }
  }))
  return found.reverse()
}

export const isOpen = (use: Use): boolean => !use.closed && clock() < use.expiry
export const isOverdue = (use: Use): boolean => use.review === 'pending' && clock() >= use.reviewBy

/** What the patient lets an emergency open, beforehand. */
export async function allowedBeforehand(twin: bigint): Promise<number> {
  const [grant, held] = await Promise.all([
    read('ConsentRegistry', 'grantOf', twin, addressOf('EmergencyAccess')), read('ConsentRegistry', 'balanceOf', addressOf('EmergencyAccess'), twin),
  ])
  return held === 1n && grant.purposes & PURPOSE.emergency ? grant.categories : 0
}

/** The second clinician signs first, in a session of their own. */
export async function askSecond(me: Identity, twin: bigint, second: Hex, categories: number, reason: number): Promise<void> {
  const nonce = await read('EmergencyAccess', 'nonces', second)
  const facts = { twinId: twin, clinician: me.address, categories, reason, nonce, deadline: (await now()) + SIGN_WITHIN_S }
  await propose(me, 'Emergency', second, facts, false)
}

export async function open(me: Identity, one: Proposal): Promise<number> {
  const { twinId, categories, reason, deadline } = fieldsOf(one)
  return me.send('EmergencyAccess', 'open', twinId, categories, reason, one.to, deadline, one.answer)
}

export const close = (me: Identity, use: Use): Promise<number> => me.send('EmergencyAccess', 'close', use.id)
export const review = (me: Identity, use: Use, justified: boolean): Promise<number> => me.send('EmergencyAccess', 'review', use.id, justified)
