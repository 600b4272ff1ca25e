/** The portal's own server: sessions, names, and transactions it pays for. */

export class ServerSaid extends Error {
  constructor(readonly status: number, sentence: string) {
    super(sentence)
  }
}

export async function post<T>(path: string, body: unknown): Promise<T> {
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
  if (!answer.ok) throw new ServerSaid(answer.status, problem ? (await answer.json()).detail : answer.statusText)
  return answer.json()
}
