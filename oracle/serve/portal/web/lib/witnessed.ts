/**
 * The chain through the portal and, side by side, through endpoints that the portal does not run.
 * What differs is never shown: a portal that lies about the chain is found out by the page itself.
 */
import { type Transport, custom } from 'viem'

const COMPARED = new Set([
  'eth_call', 'eth_getLogs', 'eth_getBlockByNumber', 'eth_getTransactionReceipt', 'eth_getCode', 'eth_chainId',
])
const TRIES = 12
const PAUSE_MS = 500 // a witness may be some seconds behind
const TIMEOUT_MS = 15_000

export class Disagreement extends Error {
  constructor(readonly method: string) {
    super(`the portal and the witness differ on ${method}`)
  }
}

export class Unreachable extends Error {}

interface Answer {
  result?: unknown
  error?: { code: number; message: string; data?: unknown }
}

let identifier = 0

export function witnessed(own: string, witnesses: string[]): Transport {
  return custom(
    {
      async request({ method, params }: { method: string; params?: unknown }) {
        const asked = [own, ...(COMPARED.has(method) ? witnesses : [])]
        for (let attempt = 1; ; attempt++) {
          const answers = await Promise.all(asked.map((url) => ask(url, method, params)))
          if (answers.every((one) => same(one, answers[0]!))) return valueOf(answers[0]!)
          if (attempt === TRIES) throw new Disagreement(method) // one of them was not merely a block behind
          await new Promise((done) => setTimeout(done, PAUSE_MS))
        }
      },
    },
    { retryCount: 0 },
  )
}

async function ask(url: string, method: string, params: unknown): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++identifier, method, params: params ?? [] }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return (await answer.json()) as Answer
  } catch {
    throw new Unreachable(url)
  }
}

/** Errors are worded differently by different nodes; that both refuse is what counts. */
function same(one: Answer, other: Answer): boolean {
  if (one.error || other.error) return Boolean(one.error) && Boolean(other.error)
  return canonical(one.result) === canonical(other.result)
}

/** Fields that nodes may add or leave out do not count; the rest must be equal to the letter. */
const OPTIONAL = new Set(['totalDifficulty', 'size', 'logsBloom', 'blockTimestamp', 'mixHash', 'type', 'effectiveGasPrice'])

function canonical(value: unknown): string {
  return JSON.stringify(value, (key, item) => {
    if (OPTIONAL.has(key)) return undefined
    if (item && typeof item === 'object' && !Array.isArray(item)) {
      return Object.fromEntries(Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1)))
    }
    return typeof item === 'string' && item.startsWith('0x') ? item.toLowerCase() : item
  })
}

function valueOf(answer: Answer): unknown {
  if (!answer.error) return answer.result
  throw Object.assign(new Error(answer.error.message), { code: answer.error.code, data: answer.error.data })
}
