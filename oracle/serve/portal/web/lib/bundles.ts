/** Bundles: the reports that a posted root's list holds. The same rules as oracle/reports/bundles.py. */
import { stored } from './batches'
import { type Hex, equal, fromHex, toHex } from './bytes'
import { Malformed, decode, encode, items } from './cbor'
import { type Event, addressOf, digestOf, events, typed } from './chain'
import { merkleLeaf, merkleRoot } from './merkle'

const FORMAT = 'medtwin/bundle/1'
const MOST_REPORTS = 1_000
const HALF = 2 ** 47 // scores are int48

/** A report as PredictionPosted tells it. */
export interface Listed {
  twinId: bigint
  model: Hex
  round: number
  reportDigest: Hex
  report: Record<string, unknown>
}

const read = new Map<Hex, Listed[]>() // by the list's digest: it never changes

/** Reports posted by themselves or in bundles, each once, in their order; of a twin, or of all. A list that has not arrived tells of none. */
export async function posted(twin?: bigint): Promise<Event[]> {
  const [alone, bundles] = await Promise.all([
    events('PredictionOracle', 'PredictionPosted', twin === undefined ? {} : { twinId: twin }), events('PredictionOracle', 'BundlePosted'),
  ])
  const known = new Set<Hex>(alone.map((event) => event.args.reportDigest))
  const found = [...alone]
  for (const event of bundles) {
    for (const one of await reportsOf(event)) {
      if (known.has(one.reportDigest) || (twin !== undefined && one.twinId !== twin)) continue
      known.add(one.reportDigest)
      found.push({ ...event, name: 'PredictionPosted', args: one })
    }
  }
  return found.sort((one, other) => one.block - other.block || one.index - other.index)
}

async function reportsOf({ args }: Event): Promise<Listed[]> {
  if (read.has(args.manifest)) return read.get(args.manifest)!
  const manifest = await stored(args.manifest)
  return manifest ? listedIn(args as { root: Hex; config: Hex; manifest: Hex }, manifest) : []
}

/** The reports of a bundle; none if its list does not give its root and configuration, whoever is to blame for it. */
export function listedIn(bundle: { root: Hex; config: Hex; manifest: Hex }, manifest: Uint8Array): Listed[] {
  const { config, listed } = unpack(manifest)
  const leaves = listed.map(({ reportDigest }) => merkleLeaf(fromHex(reportDigest)))
  const sound = listed.length > 0 && config === bundle.config && equal(merkleRoot(leaves), fromHex(bundle.root))
  const held = sound ? listed : []
  read.set(bundle.manifest, held)
  return held
}

/** Nothing for a block that is not a list in canonical form. */
function unpack(manifest: Uint8Array): { config: Hex; listed: Listed[] } {
  try {
    const whole = decode(manifest)
    const [format, config, listed] = items(whole, 'string', 'bytes', 'list')
    const fit = format === FORMAT && config.length === 32 && listed.length > 0 && listed.length <= MOST_REPORTS
    if (!fit || !equal(encode(whole), manifest)) throw new Malformed('no list of reports')
    const reports = (listed as unknown[]).map((fields) => listedReport(fields, toHex(config)))
    const places = reports.map(({ fields, round }) => toHex(fields) + round.toString(16).padStart(12, '0'))
    if (places.some((place, at) => at > 0 && place <= places[at - 1]!)) throw new Malformed('not in order')
    return { config: toHex(config), listed: reports.map(({ fields: _, ...one }) => one) }
  } catch (error) {
    if (error instanceof Malformed) return { config: '0x', listed: [] }
    throw error
  }
}

/** `fields` are twin and model, one after the other. */
function listedReport(given: unknown, config: Hex): Listed & { fields: Uint8Array } {
  const [twin, model, round, asOf, status, score, low, high, inputs, why] = items(
    given, 'bytes', 'bytes', 'number', 'number', 'number', 'number', 'number', 'number', 'bytes', 'bytes',
  )
  const sized = [twin, model, inputs, why].every((one) => one.length === 32)
  const ranged = [[round, 2 ** 48], [asOf, 2 ** 40], [status, 2 ** 8], ...[score, low, high].map((one) => [one + HALF, 2 * HALF])]
  if (!sized || ranged.some(([value, below]) => value < 0 || value >= below)) throw new Malformed('a report of another form')
  const twinId = BigInt(toHex(twin))
  const report = {
    twinId, model: toHex(model), round, asOf, status, score, low, high, inputsRoot: toHex(inputs), explanationRoot: toHex(why), config,
  }
  const reportDigest = digestOf(typed(addressOf('PredictionOracle'), 'Report', report))
  return { twinId, model: toHex(model), round, reportDigest, report, fields: Uint8Array.from([...twin, ...model]) }
}
