/** What stands of a twin on the chain: batches anchored by themselves and those in epochs, in the one order that everybody finds. */
import type { Header } from './block'
import { type Hex, equal, fromHex, sha256, word } from './bytes'
import { type Event, addressOf, events, now, timeOf } from './chain'
import { configured } from './config'
import { type Listed, type Place, type Placed, inOrder, listedIn } from './epochs'
import { Damaged } from './failures'

export const HIDDEN_AFTER_S = 300

/** Where a batch lies in an epoch: what a custodian needs to find it there. */
export interface Included {
  gateway: Hex
  number: number
  signature: Uint8Array
  path: Uint8Array[]
}

export interface Batch {
  twin: bigint
  index: number
  device: Hex
  digest: Hex
  root: Hex
  previous: Hex
  sequence: number
  readings: number
  start: number
  end: number
  block: number
  transaction: Hex
  included?: Included
}

export const batchesOf = async (twin: bigint): Promise<Batch[]> => (await standing(twin)).get(twin) ?? []

/** By twin, oldest first; of one twin alone if it is named. */
export async function standing(twin?: bigint): Promise<Map<bigint, Batch[]>> {
  const match = twin === undefined ? {} : { twinId: twin }
  const [anchored, epochs, retired] = await Promise.all([events('DataAnchor', 'BatchAnchored', match), arrived(), events('TwinToken', 'TwinRetired', match)])
  const listed = epochs.found.flatMap(({ event, time, batches }) =>
    batches.flatMap((one, at) => (twin === undefined || one.batch.twin === twin ? [included(event, time, one, at)] : [])))
  const histories = new Map<Hex, Event[]>()
  for (const event of listed.length ? await deviceEvents() : []) histories.set(event.args.device, [...(histories.get(event.args.device) ?? []), event])
  const grouped = new Map<bigint, Placed[]>()
  for (const one of [...anchored.map(direct), ...listed]) grouped.set(one.batch.twin, [...(grouped.get(one.batch.twin) ?? []), one])
  return new Map([...grouped].map(([id, found]) => [id, inOrder(found, retired.filter(({ args }) => args.twinId === id), histories, epochs.hidden)]))
}

export interface Epoch {
  event: Event
  time: number
  batches: Listed[]
}

/** Epochs of the gateways that this deployment follows, and the places of those whose list stays away. */
export async function arrived(): Promise<{ found: Epoch[]; hidden: Place[] }> {
  const { gateways } = configured()
  if (!Object.keys(gateways).length) return { found: [], hidden: [] }
  const posted = (await events('EpochAnchor', 'EpochAnchored')).filter(({ args, block }) => block >= (gateways[args.gateway] ?? Infinity))
  const told = await Promise.all(posted.map(async (event) => {
    const [time, manifest] = await Promise.all([timeOf(event.block), stored(event.args.epoch.manifest)])
    if (manifest) return { event, time, batches: await listedIn(event.args.epoch, manifest) }
    if ((await now()) < time + HIDDEN_AFTER_S) throw new Damaged(`the list of epoch ${event.args.number} has not arrived yet`)
    return [event.block, event.index, 0] as Place
  }))
  return { found: told.filter((one) => !Array.isArray(one)) as Epoch[], hidden: told.filter((one) => Array.isArray(one)) as Place[] }
}

const DEVICE_EVENTS = ['DevicePaired', 'DeviceCalibrated', 'DeviceUnpaired']

/** What the registry says of devices, oldest first. */
async function deviceEvents(): Promise<Event[]> {
  const found = await Promise.all(DEVICE_EVENTS.map((name) => events('DeviceRegistry', name)))
  return found.flat().sort((one, other) => one.block - other.block || one.index - other.index)
}

function direct({ args, block, index, transaction }: Event): Placed {
  const batch = { ...args.batch, twin: args.batch.twinId, index: 0, device: args.device, sequence: Number(args.batch.sequence), block, transaction }
  return { place: [block, index, 0], time: 0, batch }
}

function included({ args, block, index, transaction }: Event, time: number, { batch, device, signature, path }: Listed, at: number): Placed {
  const where = { gateway: args.gateway, number: Number(args.number), signature, path }
  return { place: [block, index, at], time, batch: { ...batch, index: 0, device, block, transaction, included: where } }
}

/** How many batches of a device do not follow the one before. */
export function gapsIn(batches: Pick<Batch, 'device' | 'sequence'>[]): number {
  const last = new Map<string, number>()
  let gaps = 0
  for (const batch of batches) {
    const before = last.get(batch.device)
    if (before !== undefined && batch.sequence !== before + 1) gaps++
    last.set(batch.device, batch.sequence)
  }
  return gaps
}

/** The bytes that were anchored, to the bit. */
export async function blockOf(batch: Batch): Promise<Uint8Array> {
  const block = await stored(batch.digest, `batch ${batch.index} is not the one on the chain`)
  if (!block) throw new Damaged(`batch ${batch.index} is not in the store`)
  return block
}

/** A block of the store, once it is the one of that name; nothing if it is not there. */
export async function stored(digest: Hex, otherwise = `block ${digest} is another one`): Promise<Uint8Array | null> {
  const answer = await fetch(`/blocks/${digest.slice(2)}`)
  if (answer.status === 404) return null
  if (!answer.ok) throw new Damaged('the store does not answer')
  const block = new Uint8Array(await answer.arrayBuffer())
  if (!equal(sha256(block), fromHex(digest))) throw new Damaged(otherwise)
  return block
}

/** Whether a block says of itself that it is this batch. */
export function belongs(batch: Batch, { context }: Header): boolean {
  const [chainId, anchor, id, device, sequence] = context
  return chainId === configured().chainId && anchor === addressOf('DataAnchor') && equal(id, word(batch.twin))
    && device === batch.device && sequence === batch.sequence
}
