/** What the server says of the deployment. Nothing in it is taken on trust: the chain itself decides. */
import type { Hex } from './bytes'

export interface Config {
  chainId: number
  genesis: Hex
  block: number
  contracts: Record<string, Hex>
  signers: Hex[]
  /** Other endpoints of the same chain, which the page asks itself. */
  witnesses: string[]
  custodians: number
  relayer: Hex | null
  models: { digest: Hex; kind: string; answers: string; unit: string; channels: { name: string; unit: string }[] }[]
  demo: { mnemonic: string; roles: string[] } | null
}

let config: Config

export async function loadConfig(): Promise<Config> {
  const answer = await fetch('/api/config')
  if (!answer.ok) throw new Error('config')
  config = await answer.json()
  return config
}

export const configured = (): Config => config
