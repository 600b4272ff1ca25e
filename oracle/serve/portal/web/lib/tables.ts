/** Who holds a block's key now: tables of shares that a twin's owner dealt anew, kept by custodians beside the block. */
import { getAddress, isAddressEqual, recoverAddress } from 'viem'
import type { Batch } from './batches'
import type { Header, SealedShare } from './block'
import { type Hex, sha256, toHex } from './bytes'
import { Malformed, decode, encode, items } from './cbor'
import { addressOf, chain, digestOf, readAt, typed } from './chain'
import { configured } from './config'
import { custodianAt } from './receipts'

const FORMAT = 'medtwin/shares/1'
const MOST_ROWS = 64
const MOST_TABLES = 10_000
const VOUCHED = '0x1626ba7e' // ERC-1271

interface Table {
  twin: bigint
  generation: number
  block: number
  threshold: number
  rows: Map<Hex, SealedShare[]>
  digest: Hex
  signature: Hex
}

export interface Closed {
  batch: Batch
  header: Header
}

/**
 * The blocks with those who hold their keys now, where others than they were sealed to are asked. Of two tables for a block
 * the newer one counts, unless too few of those asked are in it.
 */
export async function heldNow(twin: bigint, closed: Closed[]): Promise<Closed[]> {
  const numbers = Array.from({ length: configured().custodians }, (_, at) => at + 1)
  const asked = (await Promise.all(numbers.map((number) => custodianAt(number).catch(() => null)))).filter((one) => one !== null)
  if (closed.every(({ header }) => asked.every((one) => header.shares.some(({ custodian }) => custodian === one)))) return closed
  const kept = (await Promise.all(numbers.map((number) => tablesAt(number, twin).catch(() => [])))).flat()
  const tables = kept.sort((one, other) => other.generation - one.generation)
  const among = ({ shares }: Header): number => asked.filter((one) => shares.some(({ custodian }) => custodian === one)).length
  return closed.map(({ batch, header }) => {
    const dealt = tables.flatMap(({ threshold, rows }) => (rows.has(batch.digest) ? [{ ...header, threshold, shares: rows.get(batch.digest)! }] : []))
    return { batch, header: [...dealt, header].find((one) => among(one) >= one.threshold) ?? dealt[0] ?? header }
  })
}

/** Of one custodian, those that the twin's owner signed. */
async function tablesAt(number: number, twin: bigint): Promise<Table[]> {
  const found: Table[] = []
  for (let since = 0; since < MOST_TABLES; since++) {
    const answer = await fetch(`/custodians/${number}/v1/shares/0x${twin.toString(16)}?since=${since}`)
    if (answer.status !== 200) return found
    const table = unpack(new Uint8Array(await answer.arrayBuffer()))
    if (table.twin === twin && (await isOwners(table))) found.push(table)
  }
  return found
}

async function isOwners({ twin, block, digest, signature }: Table): Promise<boolean> {
  const at = BigInt(block)
  const owner: Hex = await readAt(at, addressOf('TwinToken'), 'TwinToken', 'ownerOf', twin)
  if (!(await chain().getCode({ address: owner, blockNumber: at }))) return isAddressEqual(await recoverAddress({ hash: digest, signature }), owner)
  return (await readAt(at, owner, 'PasskeyAccount', 'isValidSignature', digest, signature).catch(() => '')) === VOUCHED
}

function unpack(body: Uint8Array): Table {
  const [format, id, generation, block, threshold, listed, signature] = items(
    decode(body), 'string', 'bytes', 'number', 'number', 'number', 'list', 'bytes',
  )
  const rows = new Map((listed as unknown[]).map((row) => {
    const [digest, shares] = items(row, 'bytes', 'list')
    return [toHex(digest), (shares as unknown[]).map(shareOf)] as const
  }))
  const ordered = [...rows.values()].every((shares) => shares.length >= threshold && shares.every((one, at) => !at || shares[at - 1]!.custodian < one.custodian))
  if (format !== FORMAT || id.length !== 32 || threshold < 2 || !rows.size || rows.size > MOST_ROWS || rows.size !== listed.length || !ordered) {
    throw new Malformed('a table of another form')
  }
  const twin = BigInt(toHex(id))
  const signed = { twinId: twin, generation, block: BigInt(block), threshold, rows: toHex(sha256(encode(listed))) }
  return { twin, generation, block, threshold, rows, digest: digestOf(typed(addressOf('ConsentRegistry'), 'ShareTable', signed)), signature: toHex(signature) }
}

function shareOf(one: unknown): SealedShare {
  const [custodian, commitment, sealed] = items(one, 'string', 'bytes', 'bytes')
  if (commitment.length !== 32 || getAddress(custodian) !== custodian) throw new Malformed('a share of another form')
  return { custodian, commitment, sealed }
}
