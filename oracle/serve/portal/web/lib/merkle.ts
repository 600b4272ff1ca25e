/** Merkle trees as OpenZeppelin's StandardMerkleTree builds them; see oracle/formats/merkle.py. */
import { type Hex, compare, concat, keccak, toHex } from './bytes'

/** Hashed twice, so that no inner node can pass for one. */
export const merkleLeaf = (encoded: Uint8Array): Uint8Array => keccak(keccak(encoded))

/** All 2 n - 1 nodes: the root first, the sorted leaves last, in reverse. */
function tree(leaves: Uint8Array[]): Uint8Array[] {
  const nodes = [...leaves].sort(compare)
  for (let at = 0; at + 1 < nodes.length; at += 2) {
    const [one, other] = [nodes[at]!, nodes[at + 1]!]
    nodes.push(keccak(compare(one, other) < 0 ? concat(one, other) : concat(other, one)))
  }
  return nodes.reverse()
}

export const merkleRoot = (leaves: Uint8Array[]): Uint8Array => tree(leaves)[0]!

/** By leaf, its siblings up to the root. */
export function merklePaths(leaves: Uint8Array[]): Map<Hex, Uint8Array[]> {
  const nodes = tree(leaves)
  const paths: Uint8Array[][] = [[]]
  for (let at = 1; at < nodes.length; at++) paths.push([nodes[at % 2 ? at + 1 : at - 1]!, ...paths[(at - 1) >> 1]!])
  return new Map(nodes.slice(leaves.length - 1).map((leaf, at) => [toHex(leaf), paths[leaves.length - 1 + at]!]))
}
