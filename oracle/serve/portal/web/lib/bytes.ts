/** Bytes, hexadecimal, hashes. */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, equalBytes, hexToBytes } from '@noble/curves/utils.js'

export type Hex = `0x${string}`

export const sha256 = (data: Uint8Array): Uint8Array => nobleSha256(data)
export const keccak = (data: Uint8Array): Uint8Array => keccak_256(data)
export const concat = concatBytes
export const equal = equalBytes
export const toHex = (data: Uint8Array): Hex => `0x${bytesToHex(data)}`
export const fromHex = (text: string): Uint8Array => hexToBytes(text.replace(/^0x/, ''))

export function random(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}

/** 32 bytes, big-endian. */
export function word(value: bigint): Uint8Array {
  return fromHex((value & ((1n << 256n) - 1n)).toString(16).padStart(64, '0'))
}

export function base64url(data: Uint8Array): string {
  return btoa(String.fromCharCode(...data)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

export function compare(one: Uint8Array, other: Uint8Array): number {
  for (let at = 0; at < one.length; at++) {
    if (one[at] !== other[at]) return one[at]! - other[at]!
  }
  return one.length - other.length
}
