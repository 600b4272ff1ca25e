/** Who holds a role in a contract now. */
import type { Hex } from './bytes'
import { type Contract, events, read } from './chain'

export async function holders(contract: Contract, role: string): Promise<Hex[]> {
  const id = await read(contract, role)
  const named = [...new Set((await events(contract, 'RoleGranted', { role: id })).map((event) => event.args.account as Hex))]
  const held = await Promise.all(named.map((account) => read(contract, 'hasRole', id, account)))
  return named.filter((_, at) => held[at])
}

export const holds = async (contract: Contract, role: string, account: Hex): Promise<boolean> =>
  read(contract, 'hasRole', await read(contract, role), account)
