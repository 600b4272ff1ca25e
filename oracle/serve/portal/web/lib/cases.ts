/** Cases handed from one department to another. */
import { type Hex, random, toHex } from './bytes'
import { events, mined, now, read, timeOf } from './chain'
import { clock } from './clock'
import { type Proposal, fieldsOf, propose } from './desk'
import type { Identity } from './identity'
import { configured } from './config'
import { post } from './server'

const HOUR_S = 3_600
const SIGN_WITHIN_S = HOUR_S - 60

export interface Case {
  id: Hex
  twin: bigint
  from: Hex
  to: Hex
  categories: number
  expiry: number
  opened: number
  closed: boolean
  closedBy?: Hex
  procedureEnded?: boolean
}

/** `match` by twin or receiver; newest first. */
export async function casesOf(match: { twinId?: bigint; to?: Hex }): Promise<Case[]> {
  const [opened, ended] = await Promise.all([events('CaseToken', 'CaseOpened', match), events('CaseToken', 'CaseClosed', match.twinId === undefined ? {} : { twinId: match.twinId })])
  const closings = new Map(ended.map(({ args }) => [args.caseId as Hex, args]))
  const found = await Promise.all(opened.map(async ({ args, block }) => {
    const standing = await read('CaseToken', 'caseOf', args.caseId)
    const closing = closings.get(args.caseId)
    return {
      id: args.caseId as Hex, twin: standing.twinId as bigint, from: standing.from as Hex, to: standing.to as Hex, categories: standing.categories as number,
      expiry: Number(standing.expiry), closed: standing.closed as boolean, opened: await timeOf(block),
      ...(closing ? { closedBy: closing.by as Hex, procedureEnded: closing.procedureEnded as boolean } : {}),
    }
  }))
  return found.reverse()
}

export const isOpen = (one: Case): boolean => !one.closed && clock() < one.expiry

/** The first department signs, and asks the second. */
export async function askToTake(me: Identity, twin: bigint, to: Hex, categories: number, hours: number): Promise<void> {
  const from = await now()
  const facts = {
    twinId: twin, from: me.address, to, categories, expiry: from + hours * HOUR_S, nonce: BigInt(toHex(random(16))), deadline: from + SIGN_WITHIN_S,
  }
  await propose(me, 'Case', to, facts, true)
}

/** With both signatures anybody may open it; the hospital pays where it relays. */
export async function open(me: Identity, one: Proposal, answer: Hex): Promise<number> {
  const { twinId, from, to, categories, expiry, nonce, deadline } = fieldsOf(one)
  if (!configured().relayer) return me.send('CaseToken', 'open', { twinId, from, to, categories, expiry }, nonce, deadline, one.signature, answer)
  const { transaction } = await post('/api/relay/case', {
    twin: twinId, origin: from, receiver: to, categories: Number(categories), expiry: Number(expiry), nonce, deadline: Number(deadline),
    origin_signature: one.signature, receiver_signature: answer,
  })
  return mined(transaction)
}

export const close = (me: Identity, one: Case, procedureEnded: boolean): Promise<number> => me.send('CaseToken', 'close', one.id, procedureEnded)
