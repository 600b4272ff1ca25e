/** Ask custodians for key shares, open in this browser, and verify every byte against the chain. */
import { encodeAbiParameters } from 'viem'
import { TYPES } from '../generated/signed'
import { type Batch, batchesOf, belongs, blockOf } from './batches'
import { type Hex, fromHex, random, sha256, toHex, word } from './bytes'
import { type Header, type Readings, type Recipient, newRecipient, open, openShare, parse } from './block'
import { decode, encode, items } from './cbor'
import { addressOf, digestOf, now, typed } from './chain'
import { configured } from './config'
import { Damaged, Denied } from './failures'
import { signedFields } from './epochs'
import type { Identity } from './identity'
import { custodianAt, isSigned, parseReceipt } from './receipts'
import { heldNow } from './tables'

const REQUEST_LIFE_S = 5 * 60
const BATCHES_A_REQUEST = 128

/** Contracts that vouch for whoever may ask now (ERC-1271): an open emergency, an open case. */
export type Through = 'EmergencyAccess' | 'CaseToken'

/**
 * The readings of the newest `most` batches of a category, oldest first.
 * Signed once per 128 batches; each custodian asked leaves a receipt.
 */
export async function fetchReadings(
  me: Identity, twin: bigint, category: number, purpose: number, most = BATCHES_A_REQUEST, through?: Through,
): Promise<Readings[]> {
  const closed = await Promise.all(
    (await batchesOf(twin)).slice(-most).map(async (batch) => ({ batch, header: parse(await blockOf(batch)) })),
  )
  const wanted = await heldNow(twin, closed.filter(({ batch, header }) => belongs(batch, header) && header.context[6] === category && !header.object))
  if (!wanted.length) return []
  const headers = wanted.map(({ header }) => header)
  const shares = await sharesOf(me, { twin, category, purpose, batches: wanted.map(({ batch }) => batch), through }, headers)
  return Promise.all(wanted.map(async ({ batch, header }, at) => {
    const readings = await open(header, shares[at]!)
    if (readings.root !== batch.root) throw new Damaged(`the content of batch ${batch.index} is not what its device signed`)
    return readings
  }))
}

export interface Wanted {
  twin: bigint
  category: number
  purpose: number
  batches: Batch[]
  through?: Through
}

/** For each header the shares of enough custodians, on one signature. */
export async function sharesOf(me: Identity, { twin, category, purpose, batches, through }: Wanted, headers: Header[]): Promise<Uint8Array[][]> {
  const recipient = await newRecipient()
  const digests = batches.map(({ digest }) => digest)
  const request = {
    twinId: twin, grantee: through ? addressOf(through) : me.address, recipient: toHex(sha256(recipient.publicKey)),
    batches: digests, category, purpose, nonce: BigInt(toHex(random(8))), deadline: (await now()) + REQUEST_LIFE_S,
  }
  const data = typed(addressOf('ConsentRegistry'), 'KeyRequest', request)
  const signed = await me.sign(data)
  const signature = fromHex(through ? vouched(request, me.address, signed) : signed)
  const asked = [
    word(twin), request.grantee, recipient.publicKey, digests.map(fromHex), category, purpose, request.nonce, request.deadline, signature,
  ]
  const proofs = batches.flatMap((one) => (one.included ? [[signedFields(one, one.included.signature), one.included.gateway, one.included.number, one.included.path]] : []))
  return collect({ asked, proofs, digest: fromHex(digestOf(data)), recipient, headers })
}

/** The signature as RequestVoucher reads it: what is asked for, who signed, and the signature itself. */
const vouched = (request: Record<string, unknown>, signer: Hex, signature: Hex): Hex =>
  encodeAbiParameters([{ type: 'tuple', components: TYPES.KeyRequest }, { type: 'address' }, { type: 'bytes' }], [request as any, signer, signature])

interface Asking {
  asked: unknown[]
  /** Where batches lie in epochs. */
  proofs: unknown[]
  digest: Uint8Array
  recipient: Recipient
  headers: Header[]
}

/** All custodians are asked at once; any t of them are enough. */
async function collect(asking: Asking): Promise<Uint8Array[][]> {
  const { headers } = asking
  const needed = Math.max(...headers.map((header) => header.threshold))
  const numbers = Array.from({ length: configured().custodians }, (_, at) => at + 1)
  const reasons: Record<string, string> = {}
  const released = (await Promise.all(numbers.map(async (number) => {
    try {
      return await askOne(number, asking)
    } catch (error) {
      reasons[number] = error instanceof Refusal ? error.message : 'custodian_unreachable'
      return null
    }
  }))).filter((shares) => shares !== null)
  if (released.length < needed) throw new Denied(reasons)
  return headers.map((_, at) => released.map((shares) => shares[at]!))
}

class Refusal extends Error {}

async function askOne(number: number, { asked, proofs, digest, recipient, headers }: Asking): Promise<Uint8Array[]> {
  const custodian = await custodianAt(number)
  const parts = headers.map((header) => {
    const mine = header.shares.find((share) => share.custodian === custodian)
    if (!mine) throw new Refusal('no_share')
    return [...header.context, mine.custodian, mine.commitment, mine.sealed]
  })
  const answer = await fetch(`/custodians/${number}/v1/release`, {
    method: 'POST', headers: { 'content-type': 'application/cbor' }, body: encode(proofs.length ? [asked, parts, proofs] : [asked, parts]).slice(),
  })
  if (answer.status !== 200 && answer.status !== 403) throw new Refusal('custodian_failed')
  const [leaf, signature, sealed] = items(decode(new Uint8Array(await answer.arrayBuffer())), 'bytes', 'bytes', 'list')
  const receipt = parseReceipt(leaf, signature)
  const sound = receipt.custodian === custodian && receipt.request === toHex(digest) && (await isSigned(receipt))
  if (!sound) throw new Refusal('bad_receipt')
  if (!receipt.permitted) throw new Refusal(receipt.reason)
  if (sealed.length !== headers.length) throw new Refusal('bad_share')
  return Promise.all(headers.map((header, at) => openShare(recipient, header, custodian, digest, sealed[at])))
}

/** Rows for a table or a file: ISO time, channel, value. */
export function rows(all: Readings[]): [string, string, number][] {
  return all.flatMap((one) =>
    Array.from(one.time, (time, at): [string, string, number] => [
      new Date(time).toISOString(), one.channels[one.channel[at]!]!, Number(one.value[at]!) / 1e6,
    ]),
  )
}

export const csvOf = (all: Readings[]): string =>
  ['time,channel,value', ...rows(all).map((row) => row.join(','))].join('\r\n') + '\r\n'
