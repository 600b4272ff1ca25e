/** A sealed batch: its header, and its readings once enough custodians gave their shares. See docs/formats.md. */
import { HkdfSha256, CipherSuite, Aes256Gcm } from '@hpke/core'
import { XWing } from '@hpke/hybridkem-x-wing'
import { Malformed, decode, encode, items } from './cbor'
import { type Hex, concat, equal, sha256, toHex, word } from './bytes'
import { merkleLeaf, merkleRoot } from './merkle'
import { combine } from './shamir'

const FORMAT = 'medtwin/block/1'
const OBJECT = 'medtwin/object/1'
const SUITE = 'AES-256-GCM+SHAMIR-GF2^128+HPKE-MLKEM768-X25519-HKDF-SHA256-AES-256-GCM'
const ENCAPSULATED_BYTES = 1120
const ROW_BYTES = 17
const MOST_READINGS = 100_000
const HALF = 16

const hpke = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

export interface SealedShare {
  custodian: Hex
  commitment: Uint8Array
  sealed: Uint8Array
}

export interface Header {
  /** chain id, anchor, twin, device, sequence, schema, category: as they stand in the block. */
  context: [number, Hex, Uint8Array, Hex, number, string, number]
  threshold: number
  nonce: Uint8Array
  shares: SealedShare[]
  /** Whether it lists the chunks of a file instead of readings; pages do not open those. */
  object: boolean
  raw: Uint8Array
  ciphertext: Uint8Array
}

/** Columns of equal length; times in ms since 1970, values in millionths of the channel's unit. */
export interface Readings {
  schema: string
  channels: string[]
  time: Float64Array
  channel: Uint8Array
  value: BigInt64Array
  root: Hex
}

export function parse(block: Uint8Array): Header {
  const [format, raw, ciphertext] = items(decode(block), 'string', 'bytes', 'bytes')
  const object = format === OBJECT
  const [suite, context, threshold, nonce, sealed] = items(
    decode(raw), 'string', 'list', 'number', 'bytes', 'list', ...(object ? (['bytes'] as const) : []),
  )
  if ((format !== FORMAT && !object) || suite !== SUITE) throw new Malformed('a block of another version')
  items(context, 'number', 'string', 'bytes', 'string', 'number', 'string', 'number')
  const shares = (sealed as unknown[]).map((one) => {
    const [custodian, commitment, share] = items(one, 'string', 'bytes', 'bytes')
    return { custodian, commitment, sealed: share }
  })
  return { context, threshold, nonce, shares, object, raw, ciphertext }
}

export interface Recipient {
  publicKey: Uint8Array
  open(sealed: Uint8Array, info: Uint8Array): Promise<Uint8Array>
}

/** A key made for one request; custodians seal their shares to it. */
export async function newRecipient(): Promise<Recipient> {
  const pair = await hpke.kem.generateKeyPair()
  return {
    publicKey: new Uint8Array(await hpke.kem.serializePublicKey(pair.publicKey)),
    async open(sealed, info) {
      const opened = await hpke.open(
        { recipientKey: pair.privateKey, enc: sealed.slice(0, ENCAPSULATED_BYTES), info: info.slice() },
        sealed.slice(ENCAPSULATED_BYTES),
      )
      return new Uint8Array(opened)
    },
  }
}

/** A custodian's share as it left the sealer; throws for any other. */
export async function openShare(
  recipient: Recipient, header: Header, custodian: Hex, request: Uint8Array, sealed: Uint8Array,
): Promise<Uint8Array> {
  const known = header.shares.find((share) => share.custodian === custodian)
  if (!known) throw new Malformed('a share of a stranger')
  const share = await recipient.open(sealed, encode(['medtwin/released/1', header.context, custodian, request]))
  const info = encode(['medtwin/share/1', header.context, custodian])
  if (!equal(sha256(concat(info, share)), known.commitment)) throw new Malformed('a wrong share')
  return share
}

export async function open(header: Header, shares: Uint8Array[]): Promise<Readings> {
  const { plain, key } = await unseal(header, shares)
  return unpack(plain, header.context[5], key)
}

/** What was concluded from a batch, sealed as that batch is. */
export const openBeside = async (header: Header, shares: Uint8Array[]): Promise<Uint8Array> => (await unseal(header, shares)).plain

async function unseal(header: Header, shares: Uint8Array[]): Promise<{ plain: Uint8Array; key: Uint8Array }> {
  const enough = shares.slice(0, header.threshold)
  if (enough.length < header.threshold) throw new Malformed('too few shares')
  const half = (from: number) =>
    combine(enough.map((share) => ({ index: share[0]!, value: share.slice(from, from + HALF) })))
  const key = concat(half(1), half(1 + HALF))
  const secret = await crypto.subtle.importKey('raw', key.slice(), 'AES-GCM', false, ['decrypt'])
  const plain = await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: header.nonce.slice(), additionalData: header.raw.slice() }, secret, header.ciphertext.slice(),
  )
  return { plain: new Uint8Array(plain), key }
}

async function unpack(plain: Uint8Array, schema: string, key: Uint8Array): Promise<Readings> {
  const [channels, count, packed] = items(decode(plain), 'list', 'number', 'bytes')
  if (!(count > 0 && count <= MOST_READINGS)) throw new Malformed('a number of readings')
  const columns = await inflate(packed, count * ROW_BYTES)
  const times = new BigInt64Array(columns.slice(0, 8 * count).buffer)
  const channel = columns.slice(8 * count, 9 * count)
  const value = new BigInt64Array(columns.slice(9 * count).buffer)
  for (let at = 1; at < count; at++) {
    times[at] = times[at]! + times[at - 1]!
    value[at] = value[at]! + value[at - 1]!
  }
  const leaves = readingLeaves(channels, times, channel, value, await salts(key, count))
  return { schema, channels, time: Float64Array.from(times, Number), channel, value, root: toHex(merkleRoot(leaves)) }
}

/** No more than what was announced: a small block must not grow without end. */
async function inflate(packed: Uint8Array, expected: number): Promise<Uint8Array> {
  const reader = new Blob([packed.slice()]).stream().pipeThrough(new DecompressionStream('deflate')).getReader()
  const whole = new Uint8Array(expected)
  let filled = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (filled + part.value.length > expected) throw new Malformed('more content than announced')
    whole.set(part.value, filled)
    filled += part.value.length
  }
  if (filled !== expected) throw new Malformed('less content than announced')
  return whole
}

async function salts(key: Uint8Array, count: number): Promise<Uint8Array> {
  const mac = await crypto.subtle.importKey('raw', key.slice(), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const info = concat(new TextEncoder().encode('medtwin/salts/1'), Uint8Array.of(1))
  const derived = await crypto.subtle.sign('HMAC', mac, info.slice()) // HKDF-Expand of one block (RFC 5869)
  const stream = await crypto.subtle.importKey('raw', derived, 'AES-CTR', false, ['encrypt'])
  const zeros = new Uint8Array(32 * count)
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter: new Uint8Array(16), length: 128 }, stream, zeros))
}

function readingLeaves(
  channels: string[], times: BigInt64Array, channel: Uint8Array, value: BigInt64Array, salt: Uint8Array,
): Uint8Array[] {
  const names = channels.map((name) => {
    const padded = new Uint8Array(32)
    padded.set(new TextEncoder().encode(name))
    return padded
  })
  return Array.from(times, (time, at) => {
    const name = names[channel[at]!]
    if (!name) throw new Malformed('an unknown channel')
    return merkleLeaf(concat(word(time), name, word(value[at]!), salt.slice(32 * at, 32 * at + 32)))
  })
}
