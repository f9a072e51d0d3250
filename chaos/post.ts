/** One callback over a keep-alive connection, and what came back: a provider tells no more apart than this. */
import { type Agent, request } from 'node:http'
import type { Callback } from './provider.ts'

export type PostOutcome =
  | { outcome: 'answered'; status: number; ms: number }
  /** Refused, reset or ended before an answer. */
  | { outcome: 'closed' }
  /** The connection is there and no answer comes. */
  | { outcome: 'silent' }

export function post(
  url: string,
  { body, headers }: Callback,
  agent: Agent,
  waitMs: number,
): Promise<PostOutcome> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let outcome: PostOutcome = { outcome: 'closed' }
    const req = request(url, { method: 'POST', headers, agent })
    req.setTimeout(waitMs, () => {
      outcome = { outcome: 'silent' }
      req.destroy()
    })
    // The status counts as soon as it is read, whatever becomes of the rest: a provider does not ask again either.
    req.once('response', (res) => {
      outcome = { outcome: 'answered', status: res.statusCode ?? 0, ms: performance.now() - startedAt }
      res.once('error', () => {}).resume()
    })
    req.on('error', () => {})
    req.once('close', () => resolve(outcome))
    req.end(body)
  })
}
