/** Everything an auditor needs in one file: what is on the record, what keyholders wrote, and what this browser found. */
import { decodeEventLog } from 'viem'
import { ABI } from '../generated/abi'
import { type Batch, arrived, blockOf, gapsIn, standing } from './batches'
import { type Hex, toHex } from './bytes'
import { addressOf, chain } from './chain'
import { configured } from './config'
import { type Log, logs } from './receipts'

const FORMAT = 'medtwin/evidence/1'

export interface Finding {
  good: boolean
  what: 'gaps' | 'blocks' | 'epochs' | 'log'
  about: string
  count: number
  problem: string
}

export interface Evidence {
  format: string
  made: string
  chain: { id: number; genesis: Hex; block: number; hash: Hex; contracts: Record<string, Hex> }
  events: Record<string, unknown>[]
  custodians: { custodian: Hex; witnessed: number; problem: string; receipts: { leaf: Hex; signature: Hex }[] }[]
  roots: { custodian: Hex; size: string; root: Hex; block: number }[]
  findings: Finding[]
  whole: boolean
}

export async function collect(): Promise<Evidence> {
  const { chainId, genesis, contracts, block } = configured()
  const head = await chain().getBlock()
  const raw = await chain().getLogs({ address: Object.values(contracts), fromBlock: BigInt(block), toBlock: head.number })
  const events = raw.map(told)
  const books = await logs()
  const [batches, epochs] = await Promise.all([standing(), arrived()])
  const findings = [...(await Promise.all([...batches].map(looked))).flat(), ...epochFinding(epochs), ...books.map(logFinding)]
  return {
    format: FORMAT, made: new Date().toISOString(),
    chain: { id: chainId, genesis, block: Number(head.number), hash: head.hash, contracts },
    events,
    custodians: books.map((log) => ({
      custodian: log.custodian, witnessed: log.witnessed, problem: log.problem,
      receipts: log.receipts.map((receipt, at) => ({ leaf: toHex(log.leaves[at]!), signature: toHex(receipt.signature) })),
    })),
    roots: events.filter((one) => one.name === 'ReceiptsRooted').map((one) => ({ ...(one.args as any), block: one.block })),
    findings, whole: findings.every((one) => one.good),
  }
}

/** As it stands on the record, and decoded where it is one of the suite's. */
function told(log: any): Record<string, unknown> {
  const contract = Object.entries(configured().contracts).find(([, address]) => address.toLowerCase() === log.address.toLowerCase())?.[0] ?? ''
  const base = { contract, block: Number(log.blockNumber), index: log.logIndex, transaction: log.transactionHash, topics: log.topics, data: log.data }
  try {
    const { eventName, args } = decodeEventLog({ abi: (ABI as Record<string, any>)[contract], topics: log.topics, data: log.data }) as { eventName: string; args: unknown }
    return { ...base, name: eventName, args: plain(args) }
  } catch {
    return base // of a contract that the pages do not know
  }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? one.toString() : one)))

async function looked([twin, batches]: [bigint, Batch[]]): Promise<Finding[]> {
  const gaps = gapsIn(batches)
  const problems = (await Promise.all(batches.map(problemOf))).filter(Boolean)
  const about = `0x${twin.toString(16)}`
  return [
    { good: !gaps, what: 'gaps', about, count: gaps, problem: '' },
    { good: !problems.length, what: 'blocks', about, count: batches.length - problems.length, problem: problems[0] ?? '' },
  ]
}

/** Whether the list of each epoch is in the store and gives the root on record. */
function epochFinding({ found, hidden }: Awaited<ReturnType<typeof arrived>>): Finding[] {
  if (!found.length && !hidden.length) return []
  const wrong = hidden.length + found.filter(({ batches }) => !batches.length).length
  return [{ good: !wrong, what: 'epochs', about: addressOf('EpochAnchor'), count: wrong || found.length, problem: '' }]
}

const problemOf = (batch: Batch): Promise<string> => blockOf(batch).then(() => '', (error) => String(error.message))
const logFinding = (log: Log): Finding => ({ good: !log.problem, what: 'log', about: log.custodian, count: log.receipts.length, problem: log.problem })
