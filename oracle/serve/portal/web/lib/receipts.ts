/** Receipts of every look and every refusal, checked against the roots that custodians put on the chain. */
import { recoverAddress } from 'viem'
import { type Hex, equal, fromHex, toHex } from './bytes'
import { decode, items } from './cbor'
import { addressOf, digestOf, events, typed } from './chain'
import { configured } from './config'
import { leafHash, logRoot } from './log'

const FORMAT = 'medtwin/receipt/1'
const NOBODY: Hex = '0x'

export interface Receipt {
  custodian: Hex
  number: number
  time: number
  twin: bigint
  grantee: Hex
  purpose: number
  category: number
  batches: number
  permitted: boolean
  reason: string
  request: Hex
  block: number
  signature: Uint8Array
  facts: Record<string, unknown>
}

export interface Log {
  custodian: Hex
  receipts: Receipt[]
  /** The receipts to the bit, in the same order. */
  leaves: Uint8Array[]
  /** How many of them the chain witnesses. */
  witnessed: number
  problem: '' | 'silent' | 'missing' | 'altered' | 'forged'
}

export async function custodianAt(number: number): Promise<Hex> {
  const answer = await fetch(`/custodians/${number}/v1/identity`)
  if (!answer.ok) throw new Error('silent')
  return (await answer.json()).address
}

/** All custodians' logs; one that hides or alters something is named as such, never left out. */
export async function logs(): Promise<Log[]> {
  const roots = await events('AuditTrail', 'ReceiptsRooted')
  const found = await Promise.all(Array.from({ length: configured().custodians }, (_, at) => logAt(at + 1, roots)))
  const known = new Set(found.map((log) => log.custodian))
  const silent = [...new Set(roots.map((root) => root.args.custodian as Hex))].filter((one) => !known.has(one))
  const named = found.filter((log) => log.custodian !== NOBODY || !silent.length) // who did not even say a name
  return [...named, ...silent.map(silence)]
}

const silence = (custodian: Hex): Log => ({ custodian, receipts: [], leaves: [], witnessed: 0, problem: 'silent' })

async function logAt(number: number, roots: { args: any }[]): Promise<Log> {
  let custodian = NOBODY
  try {
    custodian = await custodianAt(number)
    const entries = await entriesOf(number)
    const hashes = entries.map(([leaf]) => leafHash(leaf))
    const posted = roots.filter((root) => root.args.custodian === custodian)
    const last = Number(posted.at(-1)?.args.size ?? 0)
    const base = { custodian, leaves: entries.map(([leaf]) => leaf), receipts: entries.map(([leaf, signature]) => parseReceipt(leaf, signature)), witnessed: last }
    if (hashes.length < last) return { ...base, problem: 'missing' }
    for (const { args } of posted) {
      if (!equal(logRoot(hashes.slice(0, Number(args.size))), fromHex(args.root))) return { ...base, problem: 'altered' }
    }
    const own = await Promise.all(base.receipts.map((one, at) => isOwn(one, custodian, at)))
    return { ...base, problem: own.every(Boolean) ? '' : 'forged' }
  } catch {
    return silence(custodian)
  }
}

async function entriesOf(number: number): Promise<[Uint8Array, Uint8Array][]> {
  const found: [Uint8Array, Uint8Array][] = []
  for (;;) {
    const answer = await fetch(`/custodians/${number}/v1/receipts?since=${found.length}`)
    if (!answer.ok) throw new Error('silent')
    const page = decode(new Uint8Array(await answer.arrayBuffer())) as unknown[]
    if (!page.length) return found
    found.push(...page.map((entry) => items(entry, 'bytes', 'bytes') as [Uint8Array, Uint8Array]))
  }
}

export function parseReceipt(leaf: Uint8Array, signature: Uint8Array): Receipt {
  const [
    format, custodian, number, time, twin, grantee, purpose, category, batches, , , , permitted, reason, request,
    requestSignature, block, hash,
  ] = items(
    decode(leaf), 'string', 'string', 'number', 'number', 'bytes', 'string', 'number', 'number', 'list', 'bytes',
    'integer', 'number', 'boolean', 'string', 'bytes', 'bytes', 'number', 'bytes',
  )
  if (format !== FORMAT) throw new Error('a receipt of another version')
  const facts = {
    custodian, number: BigInt(number), time, permitted, reason, request: toHex(request),
    requestSignature: toHex(requestSignature), headBlock: BigInt(block), headHash: toHex(hash),
  }
  return {
    custodian, number, time, twin: BigInt(toHex(twin)), grantee, purpose, category, batches: batches.length, permitted,
    reason, request: toHex(request), block, signature, facts,
  }
}

async function isOwn(receipt: Receipt, custodian: Hex, number: number): Promise<boolean> {
  if (receipt.custodian !== custodian || receipt.number !== number) return false
  return isSigned(receipt)
}

/** Whether the custodian it names signed it. */
export async function isSigned(receipt: Receipt): Promise<boolean> {
  const hash = digestOf(typed(addressOf('AuditTrail'), 'Receipt', receipt.facts))
  return (await recoverAddress({ hash, signature: toHex(receipt.signature) })) === receipt.custodian
}
