/** Why a report says what it says: opened like any data, and checked against the root that the report has on the record. */
import { encodeAbiParameters } from 'viem'
import { type Header, openBeside, parse } from './block'
import { merkleLeaf, merkleRoot } from './merkle'
import { Malformed, decode, items } from './cbor'
import { type Hex, equal, fromHex } from './bytes'
import { type Batch, batchesOf, belongs } from './batches'
import { sharesOf } from './custody'
import type { Way } from './access'
import { Damaged } from './failures'
import type { Identity } from './identity'
import type { Report } from './reports'

const FORMAT = 'medtwin/explanation/1'
const LEAF = [{ type: 'uint16' }, { type: 'string' }, { type: 'bool' }, { type: 'int64' }, { type: 'int64' }] as const

export interface Part {
  feature: string
  /** In the feature's own unit; null where it was not measured. */
  value: number | null
  contribution: number
}

export interface Why {
  base: number
  margin: number
  parts: Part[]
  /** Empty unless there is no answer. */
  reason: string
  /** What the page found: the same root, and parts that add up to the margin. */
  checked: { root: boolean; sum: boolean }
}

const opened = new Map<Hex, Why>()

export const known = (report: Report): Why | undefined => opened.get(report.explanationRoot)

export class NotKept extends Error {}

/** One signature; each keyholder asked leaves a receipt. */
export async function explain(me: Identity, twin: bigint, report: Report, ways: Way[]): Promise<Why> {
  const answer = await fetch(`/explanations/${report.explanationRoot.slice(2)}`)
  if (!answer.ok) throw new NotKept()
  const header = parse(new Uint8Array(await answer.arrayBuffer()))
  const beside = besideOf(await batchesOf(twin), header)
  const way = ways.find((one) => one.categories & header.context[6])
  if (!way) throw new Damaged('no way to this kind of data')
  const [shares] = await sharesOf(me, { twin, category: header.context[6], purpose: way.purpose, batches: [beside], through: way.through }, [header])
  const why = read(await openBeside(header, shares!), report)
  opened.set(report.explanationRoot, why)
  return why
}

function besideOf(batches: Batch[], header: Header): Batch {
  const found = batches.find((batch) => belongs(batch, header))
  if (!found) throw new Damaged('the reasons were sealed for another twin')
  return found
}

function read(plain: Uint8Array, report: Report): Why {
  const [format, rows] = items(decode(plain), 'string', 'list')
  if (format !== FORMAT || !rows.length) throw new Malformed('reasons of another version')
  const lines = (rows as unknown[]).map((row) => items(row, 'number', 'string', 'boolean', 'integer', 'integer'))
  const leaves = lines.map(([index, name, measured, value, contribution]) =>
    merkleLeaf(fromHex(encodeAbiParameters(LEAF, [index, name, measured, BigInt(value), BigInt(contribution)]))))
  const root = equal(merkleRoot(leaves), fromHex(report.explanationRoot))
  const [, name, answered, margin, base] = lines[0]!
  const parts = lines.slice(1)
  const sum = BigInt(base) + parts.reduce((total, row) => total + BigInt(row[4]), 0n)
  return {
    base: Number(base) / 1e6, margin: Number(margin) / 1e6, reason: answered ? '' : name,
    parts: parts.map(([, feature, measured, value, contribution]) => ({ feature, value: measured ? Number(value) / 1e6 : null, contribution: Number(contribution) / 1e6 })),
    checked: { root, sum: sum === BigInt(margin) },
  }
}

/** Strongest first. */
export const strongest = ({ parts }: Why): Part[] =>
  parts.filter((part) => part.contribution).sort((one, other) => Math.abs(other.contribution) - Math.abs(one.contribution))
