/** Consents: what the chain has, granting and stopping. A person signs a sentence's worth of fields, and nothing wider. */
import { type Hex, random, toHex } from './bytes'
import { addressOf, events, mined, now, read, timeOf, typed } from './chain'
import { configured } from './config'
import type { Identity } from './identity'
import { post } from './server'

const DAY_S = 86_400
const DEADLINE_S = 10 * 60

export interface Consent {
  grantee: Hex
  categories: number
  purposes: number
  expiry: number
  since: number
  /** The chain's answer, not this page's. */
  active: boolean
  revoked: boolean
  purchased: boolean
}

export interface Terms {
  grantee: Hex
  categories: number
  purposes: number
  days: number
}

export async function consentsOf(twin: bigint): Promise<Consent[]> {
  const given = await events('ConsentRegistry', 'ConsentGranted', { twinId: twin })
  const newest = new Map(given.map((event) => [event.args.grantee as Hex, event]))
  return Promise.all([...newest].map(async ([grantee, event]) => {
    const [stored, balance, since] = await Promise.all([
      read('ConsentRegistry', 'grantOf', twin, grantee),
      read('ConsentRegistry', 'balanceOf', grantee, twin),
      timeOf(event.block),
    ])
    return { grantee, since, active: balance === 1n, ...stored, expiry: Number(stored.expiry) }
  }))
}

/** The twins somebody is let into, by the chain's present answer. */
export async function twinsFor(grantee: Hex): Promise<bigint[]> {
  const given = await events('ConsentRegistry', 'ConsentGranted', { grantee })
  const twins = [...new Set(given.map((event) => event.args.twinId as bigint))]
  const held = await Promise.all(twins.map((twin) => read('ConsentRegistry', 'balanceOf', grantee, twin)))
  return twins.filter((_, at) => held[at] === 1n)
}

const nonceOfOwnLane = (): bigint => BigInt(toHex(random(24))) << 64n

/** One signature; the hospital pays where it relays. The block it is in. */
export async function grant(me: Identity, twin: bigint, { grantee, categories, purposes, days }: Terms): Promise<number> {
  const from = await now()
  const scope = { categories, purposes, notBefore: from, expiry: from + days * DAY_S }
  if (!configured().relayer) return me.send('ConsentRegistry', 'grant', twin, grantee, scope)
  const [nonce, deadline] = [nonceOfOwnLane(), from + DEADLINE_S]
  const epoch = Number(await read('TwinToken', 'epochOf', twin))
  const message = { twinId: twin, grantee, ...scope, epoch, nonce, deadline }
  const signature = await me.sign(typed(addressOf('ConsentRegistry'), 'ConsentGrant', message))
  const { transaction } = await post('/api/relay/grant', {
    twin, grantee, categories, purposes, not_before: scope.notBefore, expiry: scope.expiry, nonce, deadline, signature,
  })
  return mined(transaction)
}

/** One signature; from the block it is in, keyholders refuse. */
export async function revoke(me: Identity, twin: bigint, grantee: Hex): Promise<number> {
  if (!configured().relayer) return me.send('ConsentRegistry', 'revoke', twin, grantee)
  const [nonce, deadline] = [nonceOfOwnLane(), (await now()) + DEADLINE_S]
  const signature = await me.sign(typed(addressOf('ConsentRegistry'), 'ConsentRevocation', { twinId: twin, grantee, nonce, deadline }))
  const { transaction } = await post('/api/relay/revoke', { twin, grantee, nonce, deadline, signature })
  return mined(transaction)
}
