/** RFC 6962: the root over a custodian's receipts, so that none can be taken out or moved. */
import { concat, sha256 } from './bytes'

export const leafHash = (entry: Uint8Array): Uint8Array => sha256(concat(Uint8Array.of(0), entry))

export function logRoot(hashes: Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return sha256(new Uint8Array())
  const stack: { height: number; hash: Uint8Array }[] = [] // complete subtrees, left to right
  for (const leaf of hashes) {
    let node = { height: 0, hash: leaf }
    while (stack.length && stack[stack.length - 1]!.height === node.height) {
      node = { height: node.height + 1, hash: join(stack.pop()!.hash, node.hash) }
    }
    stack.push(node)
  }
  return stack.map((tree) => tree.hash).reduceRight((right, left) => join(left, right))
}

const join = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(Uint8Array.of(1), left, right))
