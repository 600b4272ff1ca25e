/** The portal's own server: sessions, names, and transactions it pays for. */
import type {
  Answer, ErasureOrder, NewAccount, Proposed, Recovery, SignIn, SignedCall, SignedCase, SignedCommand, SignedGrant, SignedRevocation,
} from '../generated/api'
import type { Hex } from './bytes'

export class ServerSaid extends Error {
  constructor(readonly status: number, sentence: string, readonly kind = '') {
    super(sentence)
  }
}

interface Sent {
  transaction: Hex
}

/** What each path takes and gives; the first of both is from oracle/serve/portal/app.py. */
interface Paths {
  '/api/session/nonce': [{}, { nonce: string }]
  '/api/session': [SignIn, { idle_s: number }]
  '/api/session/end': [{}, {}]
  '/api/accounts': [NewAccount, { account: Hex }]
  '/api/recover': [Recovery, Sent]
  '/api/relay/grant': [SignedGrant, Sent]
  '/api/relay/revoke': [SignedRevocation, Sent]
  '/api/relay/call': [SignedCall, Sent]
  '/api/relay/case': [SignedCase, Sent]
  '/api/relay/command': [SignedCommand, Sent]
  '/api/proposals': [Proposed, { id: string }]
  [answer: `/api/proposals/${string}/answer`]: [Answer, {}]
  [removal: `/api/proposals/${string}/remove`]: [{}, {}]
  '/api/erase': [ErasureOrder, unknown]
}

/** Numbers that are too large for JavaScript's go as its large ones. */
type Large<T> = { [K in keyof T]: T[K] extends string ? string | bigint : T[K] }

export async function post<P extends keyof Paths>(path: P, body: Large<Paths[P][0]>): Promise<Paths[P][1]> {
  return answered(await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
  }))
}

export async function get<T>(path: string): Promise<T> {
  return answered(await fetch(path))
}

async function answered<T>(answer: Response): Promise<T> {
  const problem = answer.headers.get('content-type')?.startsWith('application/problem+json')
  if (!answer.ok && !problem) throw new ServerSaid(answer.status, answer.statusText)
  if (!answer.ok) {
    const { detail, kind } = await answer.json()
    throw new ServerSaid(answer.status, detail, kind)
  }
  return answer.json()
}
