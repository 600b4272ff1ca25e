/** What the oracle's nodes reported, and whether enough of them did. */
import { posted } from './bundles'
import type { Hex } from './bytes'
import { events, now, read, timeOf } from './chain'
import { type Config, configured } from './config'

export interface Report {
  model: Config['models'][number]
  round: number
  asOf: number
  posted: number
  answered: boolean
  /** Somebody showed that it contradicts itself; no number of it is to be read. */
  refuted: boolean
  score: number
  low: number
  high: number
  explanationRoot: Hex
  transaction: Hex
}

const ANSWER = 1

/** Newest last, of every model this deployment knows. */
export async function reportsOf(twin: bigint): Promise<Report[]> {
  const [found, refuted] = await Promise.all([posted(twin), events('PredictionOracle', 'PredictionRefuted', { twinId: twin })])
  const wrong = new Set(refuted.map((event) => event.args.reportDigest))
  const known = found.flatMap((event) => {
    const model = configured().models.find((one) => one.digest === event.args.model)
    return model ? [{ event, model }] : []
  })
  return Promise.all(known.map(async ({ event, model }) => {
    const { round, asOf, status, score, low, high, explanationRoot } = event.args.report
    return {
      model, round: Number(round), asOf: Number(asOf), posted: await timeOf(event.block), answered: Number(status) === ANSWER && !wrong.has(event.args.reportDigest), refuted: wrong.has(event.args.reportDigest),
      score: Number(score) / 1e6, low: Number(low) / 1e6, high: Number(high) / 1e6, transaction: event.transaction, explanationRoot,
    }
  }))
}

export const ageOf = async (report: Report): Promise<number> => (await now()) - report.asOf

export const isApproved = (model: Hex): Promise<boolean> => read('ModelRegistry', 'isApproved', model)
