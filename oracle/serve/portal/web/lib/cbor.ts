/** Canonical CBOR, as far as the formats use it; whatever is of another shape is refused. */
import { decode as cborgDecode, encode as cborgEncode } from 'cborg'
import { toHex } from './bytes'

export class Malformed extends Error {}

const bignum = (decodeValue: () => unknown): bigint => BigInt(toHex(decodeValue() as Uint8Array))

export function encode(value: unknown): Uint8Array {
  return cborgEncode(value)
}

export function decode(data: Uint8Array): unknown {
  try {
    return cborgDecode(data, { strict: true, tags: { 2: bignum } })
  } catch {
    throw new Malformed('not CBOR')
  }
}

type Kind = 'string' | 'number' | 'bytes' | 'list' | 'boolean' | 'integer'

/** A list with exactly these kinds of items. */
export function items(value: unknown, ...kinds: Kind[]): any[] {
  if (!Array.isArray(value) || value.length !== kinds.length) throw new Malformed(`not a list of ${kinds.length}`)
  value.forEach((item, at) => {
    if (!isOf(item, kinds[at]!)) throw new Malformed(`item ${at} is no ${kinds[at]}`)
  })
  return value
}

function isOf(item: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'bytes': return item instanceof Uint8Array
    case 'list': return Array.isArray(item)
    case 'integer': return typeof item === 'bigint' || Number.isInteger(item)
    case 'number': return Number.isSafeInteger(item)
    default: return typeof item === kind
  }
}
