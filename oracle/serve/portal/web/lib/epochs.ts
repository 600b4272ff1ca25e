/** Epochs: what a gateway's list holds, and which of its batches count. The same rules as oracle/batches/anchored.py. */
import { recoverAddress } from 'viem'
import type { Batch } from './batches'
import { type Hex, concat, equal, fromHex, keccak, toHex, word } from './bytes'
import { Malformed, decode, encode, items } from './cbor'
import { type Event, addressOf, digestOf, typed } from './chain'
import { merkleLeaf, merklePaths, merkleRoot } from './merkle'

const FORMAT = 'medtwin/manifest/1'
const MOST_BATCHES = 2_000
const SIGNATURE_BYTES = 65
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n // of secp256k1

/** On the chain: block, log, and where in its epoch. */
export type Place = [number, number, number]

type Fields = Pick<Batch, 'twin' | 'sequence' | 'previous' | 'digest' | 'root' | 'readings' | 'start' | 'end'>

/** A batch of a list: who signed it (nobody: empty), and the path from its leaf to the root. */
export interface Listed {
  batch: Fields
  signature: Uint8Array
  device: Hex
  path: Uint8Array[]
}

/** `time` is that of the block (s), for batches in epochs. */
export interface Placed {
  place: Place
  time: number
  batch: Batch
}

const read = new Map<Hex, Listed[]>() // by the list's digest: it never changes

/** The batches of an epoch; none if its list does not give its root, whoever is to blame for it. */
export async function listedIn(epoch: { root: Hex; manifest: Hex; batches: number }, manifest: Uint8Array): Promise<Listed[]> {
  const known = read.get(epoch.manifest)
  if (known) return known
  const signed = unpack(manifest)
  const leaves = signed.map(({ batch, signature }) => merkleLeaf(concat(fromHex(digestOfBatch(batch)), keccak(signature))))
  const sound = signed.length === Number(epoch.batches) && equal(merkleRoot(leaves), fromHex(epoch.root))
  const paths = sound ? merklePaths(leaves) : new Map<Hex, Uint8Array[]>()
  const listed = await Promise.all((sound ? signed : []).map(async ({ batch, signature }, at) => ({
    batch, signature, device: await signerOf(digestOfBatch(batch), signature), path: paths.get(toHex(leaves[at]!))!,
  })))
  read.set(epoch.manifest, listed)
  return listed
}

const digestOfBatch = ({ twin, ...more }: Fields): Hex =>
  digestOf(typed(addressOf('DataAnchor'), 'Batch', { ...more, twinId: twin, sequence: BigInt(more.sequence) }))

/** As OpenZeppelin's ECDSA: one form of each signature. */
async function signerOf(hash: Hex, signature: Uint8Array): Promise<Hex> {
  const low = BigInt(toHex(signature.slice(32, 64))) <= HALF_ORDER
  if (!low || ![27, 28].includes(signature[64]!)) return '0x'
  return recoverAddress({ hash, signature: toHex(signature) }).catch(() => '0x' as Hex)
}

/** Nothing for a block that is not a list in canonical form. */
function unpack(manifest: Uint8Array): { batch: Fields; signature: Uint8Array }[] {
  try {
    const whole = decode(manifest)
    const [format, listed] = items(whole, 'string', 'list')
    if (format !== FORMAT || !listed.length || listed.length > MOST_BATCHES || !equal(encode(whole), manifest)) return []
    return (listed as unknown[]).map(signedBatch)
  } catch (error) {
    if (error instanceof Malformed) return []
    throw error
  }
}

function signedBatch(fields: unknown): { batch: Fields; signature: Uint8Array } {
  const [twin, sequence, previous, digest, root, readings, start, end, signature] = items(
    fields, 'bytes', 'number', 'bytes', 'bytes', 'bytes', 'number', 'number', 'number', 'bytes',
  )
  const sized = [twin, previous, digest, root].every((one) => one.length === 32) && signature.length === SIGNATURE_BYTES
  const ranged = sequence > 0 && readings > 0 && readings < 2 ** 32 && start >= 0 && end < 2 ** 40 && start <= end
  if (!sized || !ranged) throw new Malformed('a batch of another form')
  const batch = { twin: BigInt(toHex(twin)), sequence, previous: toHex(previous), digest: toHex(digest), root: toHex(root), readings, start, end }
  return { batch, signature }
}

/** As it is listed, and as custodians are told of it. */
export const signedFields = (batch: Fields, signature: Uint8Array): unknown[] => [
  word(batch.twin), batch.sequence, fromHex(batch.previous), fromHex(batch.digest), fromHex(batch.root), batch.readings, batch.start, batch.end, signature,
]

const before = (one: readonly number[], other: readonly number[]): boolean => one[0]! < other[0]! || (one[0] === other[0] && one[1]! < other[1]!)

/** Those of a twin that count, numbered anew; `histories` has what the registry said of each device, oldest first. */
export function inOrder(found: Placed[], retired: Event[], histories: Map<Hex, Event[]>, hidden: Place[]): Batch[] {
  const heads = new Map<Hex, { sequence: number; digest: Hex; stood: Place }>()
  const counted: Batch[] = []
  const ordered = [...found].sort(({ place: one }, { place: other }) => one[0] - other[0] || one[1] - other[1] || one[2] - other[2])
  for (const { place, time, batch } of ordered) {
    const head = heads.get(batch.device) ?? { sequence: 0, digest: toHex(word(0n)), stood: [0, 0, 0] as Place }
    let counts = batch.sequence > head.sequence
    if (batch.included) {
      const live = !retired[0] || before(place, [retired[0].block, retired[0].index])
      const follows = (batch.sequence === head.sequence + 1 && batch.previous === head.digest)
        || (batch.sequence > head.sequence + 1 && hidden.some((epoch) => before(head.stood, epoch) && before(epoch, place)))
      counts = live && follows && batch.end <= time && speaks(histories.get(batch.device) ?? [], place, time, batch)
    }
    if (!counts) continue
    heads.set(batch.device, { sequence: batch.sequence, digest: batch.digest, stood: place })
    counted.push({ ...batch, index: counted.length + 1 })
  }
  return counted
}

/** Whether the device was paired with the twin, and calibrated, when the epoch was posted. */
function speaks(history: Event[], place: Place, time: number, batch: Batch): boolean {
  const last = history.filter((event) => before([event.block, event.index], place)).at(-1)
  return !!last && last.name !== 'DeviceUnpaired' && last.args.twinId === batch.twin && time < Number(last.args.calibratedUntil)
}
