/** What is on offer, and what one bought: terms and counts, never a person. */
import { type Batch, blockOf, standing } from './batches'
import type { Hex } from './bytes'
import { parse } from './block'
import { events, read, timeOf } from './chain'
import { configured } from './config'
import type { Log } from './receipts'

export const DECIMALS = 18

/** As the contract has it (IAccessMarket.Offer). */
export interface Terms {
  twinId: bigint
  pricePerDay: bigint
  categories: number
  purposes: number
  maxDays: number
  terms: Hex
  needsStudy: boolean
}

export interface Offer {
  hash: Hex
  terms: Terms
  batches: Batch[]
}

export interface Bought {
  twin: bigint
  categories: number
  purposes: number
  paid: bigint
  since: number
  block: number
  end: number
  active: boolean
  refundable: bigint
}

/** The offer that stands for a twin, if any. */
export async function offerOf(twin: bigint): Promise<Terms | null> {
  const listed = (await events('AccessMarket', 'OfferListed', { twinId: twin })).at(-1)?.args.offer
  return listed && (await read('AccessMarket', 'isListed', listed)) ? listed : null
}

export async function offers(): Promise<Offer[]> {
  const [made, batches] = await Promise.all([events('AccessMarket', 'OfferListed'), standing()])
  const newest = [...new Map(made.map(({ args }) => [args.twinId as bigint, args])).values()]
  const listed = await Promise.all(newest.map((args) => read('AccessMarket', 'isListed', args.offer)))
  return newest.filter((_, at) => listed[at]).map((args) => ({ hash: args.offerHash, terms: args.offer, batches: batches.get(args.twinId) ?? [] }))
}

/** Newest purchase of each twin. */
export async function boughtBy(buyer: Hex): Promise<Bought[]> {
  const paid = await events('AccessMarket', 'AccessPurchased', { buyer })
  const newest = [...new Map(paid.map((event) => [event.args.twinId as bigint, event])).values()]
  return Promise.all(newest.map(async ({ args, block }) => {
    const [grant, held, [, refundable], since] = await Promise.all([
      read('ConsentRegistry', 'grantOf', args.twinId, buyer), read('ConsentRegistry', 'balanceOf', buyer, args.twinId),
      read('AccessMarket', 'balanceOf', args.twinId, buyer), timeOf(block),
    ])
    return {
      twin: args.twinId, categories: grant.categories, purposes: grant.purposes, paid: args.paid, since, block,
      end: Number(args.end), active: held === 1n, refundable,
    }
  }))
}

/** What the newest sealed batch says of itself in the clear: the kind of twin, and so its channels. */
export async function kindOf(batches: Batch[]): Promise<{ schema: string; channels: { name: string; unit: string }[] } | null> {
  const last = batches.at(-1)
  if (!last) return null
  const schema = parse(await blockOf(last)).context[5]
  const model = configured().models.find(({ kind }) => kind === schema.split('/')[0])
  return { schema, channels: model?.channels ?? [] }
}

/** How often somebody looked at a twin since a time, and how often keyholders refused. */
export function looksOf(books: Log[], twin: bigint, grantee: Hex, since: number): { opened: number; refused: number } {
  const mine = books.flatMap((log) => log.receipts).filter((one) => one.twin === twin && one.grantee === grantee && one.time >= since)
  const opened = new Set(mine.filter((one) => one.permitted).map((one) => one.request)).size
  return { opened, refused: new Set(mine.map((one) => one.request)).size - opened }
}
