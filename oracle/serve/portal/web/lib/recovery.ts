/** Guardians of a passkey account, and what they ask for. */
import type { Hex } from './bytes'
import { events, readAccount } from './chain'

export interface Guardians {
  accounts: Hex[]
  threshold: number
  waiting: number
}

export interface Asked {
  x: Hex
  y: Hex
  supporters: number
  /** Seconds since 1970; 0 while too few ask. */
  readyAt: number
}

export async function guardiansOf(account: Hex): Promise<Guardians> {
  const [accounts, threshold, waiting] = await readAccount(account, 'guardians')
  return { accounts, threshold, waiting: Number(waiting) }
}

export async function askedFor(account: Hex, x: Hex, y: Hex): Promise<Asked> {
  const [supporters, readyAt] = await readAccount(account, 'recoveryOf', x, y)
  return { x, y, supporters, readyAt: Number(readyAt) }
}

/** Keys that guardians ask for and that were neither called off nor put in place. */
export async function standing(account: Hex): Promise<Asked[]> {
  const told = await events('PasskeyAccount', 'RecoverySupported', {}, account)
  const keys = [...new Map(told.map(({ args }) => [args.x as Hex, args])).values()]
  return (await Promise.all(keys.map(({ x, y }) => askedFor(account, x, y)))).filter((one) => one.supporters > 0)
}
