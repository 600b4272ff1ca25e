/** What the server says of the deployment. Nothing in it is taken on trust: the chain itself decides. */
import type { Config as Described, Model } from '../generated/api'
import type { Hex } from './bytes'

/** As the server describes it, its addresses and digests as what they are. */
export interface Config extends Described {
  genesis: Hex
  contracts: Record<string, Hex>
  signers: Hex[]
  relayer: Hex | null
  models: (Model & { digest: Hex })[]
}

let config: Config

export async function loadConfig(): Promise<Config> {
  const answer = await fetch('/api/config')
  if (!answer.ok) throw new Error('config')
  config = await answer.json()
  return config
}

export const configured = (): Config => config
