/** A refusal, read: problem details where it is the service that speaks, whatever it is where something before it does. */
import { type FieldError, TallyhookError } from './errors.ts'

/** The service may do it later, and says that it has not done it now; or something before it could not reach it. */
const passing = new Set([408, 425, 429, 502, 503, 504])

/** A refused batch has a fault for each of its transfers; what is longer is not ours. */
const textMax = 8 * 1024 * 1024

export async function readFailure(answer: Response, idempotent: boolean): Promise<TallyhookError> {
  const { status } = answer
  const problem = parse(await readText(answer))
  return new TallyhookError({
    status,
    code: typeof problem?.code === 'string' ? problem.code : 'not-understood',
    detail: typeof problem?.detail === 'string' ? problem.detail : `It answered ${status}.`,
    errors: Array.isArray(problem?.errors) ? (problem.errors as FieldError[]) : [],
    retryable: idempotent && passing.has(status),
    retryAfterMs: readRetryAfter(answer.headers.get('retry-after')),
    problem,
  })
}

/** Seconds alone: of a date one would have to trust the clock. */
export function readRetryAfter(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined
}

async function readText(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > textMax) break
  }
  return text
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
