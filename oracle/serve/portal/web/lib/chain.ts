/** Reads of the suite, its events, and the digest of what is signed. */
import { type PublicClient, createPublicClient, hashTypedData } from 'viem'
import { ABI } from '../generated/abi'
import { NAME, TYPES, VERSION } from '../generated/signed'
import type { Hex } from './bytes'
import { configured } from './config'
import { witnessed } from './witnessed'

export type Contract = keyof typeof ABI
export type TypeName = keyof typeof TYPES

export interface Event {
  name: string
  args: any
  block: number
  index: number
  transaction: Hex
}

let client: PublicClient
const blockTimes = new Map<number, number>()

let opening: Promise<void> | null = null

/** Opens the chain, once; again if it failed. */
export function ready(): Promise<void> {
  opening ??= openChain().catch((error) => {
    opening = null
    throw error
  })
  return opening
}

/** Throws if it is not the one the deployment is on. */
async function openChain(): Promise<void> {
  const { chainId, genesis, witnesses } = configured()
  client = createPublicClient({ transport: witnessed('/rpc', witnesses), pollingInterval: 500, cacheTime: 0 })
  const [id, first] = await Promise.all([client.getChainId(), client.getBlock({ blockNumber: 0n })])
  if (id !== chainId || first.hash !== genesis) throw new WrongChain()
}

export class WrongChain extends Error {}

export const chain = (): PublicClient => client
export const addressOf = (contract: string): Hex => configured().contracts[contract]!

export async function read(contract: Contract, functionName: string, ...args: unknown[]): Promise<any> {
  return client.readContract({ address: addressOf(contract), abi: ABI[contract] as any, functionName, args })
}

/** As it was at a block. */
export async function readAt(block: bigint, address: Hex, contract: Contract, functionName: string, ...args: unknown[]): Promise<any> {
  return client.readContract({ address, abi: ABI[contract] as any, functionName, args, blockNumber: block })
}

/** The same of a passkey account, which is not one of the suite's contracts. */
export async function readAccount(address: Hex, functionName: string, ...args: unknown[]): Promise<any> {
  return client.readContract({ address, abi: ABI.PasskeyAccount as any, functionName, args })
}

/** Logs oldest first; `match` filters by indexed argument. */
export async function events(
  contract: Contract, name: string, match: Record<string, unknown> = {}, address: Hex = addressOf(contract),
): Promise<Event[]> {
  const abi = (ABI[contract] as readonly any[]).find((item) => item.type === 'event' && item.name === name)
  const logs = await client.getLogs({
    address, event: abi, args: match, fromBlock: BigInt(configured().block), strict: true,
  } as any)
  return logs.map((log: any) => ({
    name, args: log.args, block: Number(log.blockNumber), index: log.logIndex, transaction: log.transactionHash,
  }))
}

/** Seconds since 1970. */
export async function timeOf(block: number): Promise<number> {
  if (!blockTimes.has(block)) {
    blockTimes.set(block, Number((await client.getBlock({ blockNumber: BigInt(block) })).timestamp))
  }
  return blockTimes.get(block)!
}

export async function now(): Promise<number> {
  return Math.max(Math.floor(Date.now() / 1000), Number((await client.getBlock()).timestamp))
}

export async function mined(transaction: Hex): Promise<number> {
  const receipt = await client.waitForTransactionReceipt({ hash: transaction, timeout: 60_000 })
  if (receipt.status !== 'success') throw new Error('the chain refused it')
  return Number(receipt.blockNumber)
}

export interface TypedData {
  domain: { name: string; version: string; chainId: number; verifyingContract: Hex }
  types: Record<string, readonly { name: string; type: string }[]>
  primaryType: string
  message: Record<string, unknown>
}

/** What a person signs; `contract` is where it counts. */
export function typed(contract: Hex, primaryType: TypeName, message: Record<string, unknown>): TypedData {
  return {
    domain: { name: NAME, version: VERSION, chainId: configured().chainId, verifyingContract: contract },
    types: { [primaryType]: TYPES[primaryType] },
    primaryType,
    message,
  }
}

export const digestOf = (data: TypedData): Hex => hashTypedData(data as any)
