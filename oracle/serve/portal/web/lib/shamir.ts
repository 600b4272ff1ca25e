/** Shamir's secret sharing over GF(2^128), modulo x^128 + x^7 + x^2 + x + 1, 16 bytes at a time. */
import { fromHex, toHex } from './bytes'

const FIELD = (1n << 128n) | 0x87n

export interface Share {
  index: number
  value: Uint8Array
}

/** The secret behind the shares: the polynomial through them, at 0. */
export function combine(shares: Share[]): Uint8Array {
  if (new Set(shares.map((share) => share.index)).size !== shares.length) throw new Error('two shares of one index')
  let secret = 0n
  for (const share of shares) {
    let above = 1n
    let below = 1n
    for (const other of shares) {
      if (other.index === share.index) continue
      above = multiply(above, BigInt(other.index))
      below = multiply(below, BigInt(share.index) ^ BigInt(other.index))
    }
    secret ^= multiply(BigInt(toHex(share.value)), multiply(above, inverse(below)))
  }
  return fromHex(secret.toString(16).padStart(32, '0'))
}

function multiply(one: bigint, other: bigint): bigint {
  let product = 0n
  for (let left = one, right = other; right > 0n; right >>= 1n) {
    if (right & 1n) product ^= left
    left <<= 1n
    if (left >> 128n) left ^= FIELD
  }
  return product
}

/** value^(2^128 - 2), as the field has 2^128 - 1 units. */
function inverse(value: bigint): bigint {
  let result = 1n
  let power = value
  for (let bit = 1; bit < 128; bit++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}
