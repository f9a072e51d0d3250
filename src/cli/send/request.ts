/** Requests of `tallyhook send`; what does not answer is explained. */
import { AppError } from '../../domain/errors.ts'
import type { SignedCallback } from '../../sandbox/signed-callback.ts'

const answerMsMax = 10_000

export interface Answer {
  status: number
  body: string
}

export function post(url: string, { headers, body }: SignedCallback): Promise<Answer> {
  return fetchOrExplain(url, { method: 'POST', headers, body })
}

export async function fetchOrExplain(url: string, init: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(answerMsMax) })
    return { status: answer.status, body: await answer.text() }
  } catch (cause) {
    const why = causeOf(cause)
    throw new AppError('internal-error', { detail: `${url} does not answer${why && ` (${why})`}.`, cause })
  }
}

/** As ECONNREFUSED, or DEPTH_ZERO_SELF_SIGNED_CERT, for which NODE_EXTRA_CA_CERTS is the cure. */
function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } }
  return typeof cause?.code === 'string' ? cause.code : ''
}
