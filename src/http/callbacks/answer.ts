/** The answer to a provider, in its own dialect where the account is known. */
import type { ServerResponse } from 'node:http'
import { AppError, type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { AccountProvider, Ack } from '../../providers/provider.ts'
import { toProblem } from '../problem.ts'

export interface Answer {
  code?: ErrorCode | undefined
  retryAfterS?: number
  close?: boolean
}

/** Written once for each account: an acknowledgement is the same bytes every time. */
export function createAnswer(providers: Iterable<AccountProvider>) {
  const accepted = new Map<AccountProvider, { head: string[]; body: string }>()
  for (const provider of providers) {
    const { body } = provider.accepted
    accepted.set(provider, { head: headOf(provider.accepted), body })
  }

  return (res: ServerResponse, provider: AccountProvider | undefined, answer: Answer): number => {
    const { code } = answer
    const status = code ? errorCodes[code].status : 200
    if (res.headersSent || res.destroyed) return status
    const ack = code === undefined && provider ? accepted.get(provider) : undefined
    if (ack) {
      res.writeHead(200, ack.head).end(ack.body)
      return status
    }
    const refusal = describeRefusal(provider, code ?? 'internal-error')
    const head = headOf(refusal)
    if (status === 405) head.push('allow', 'POST')
    if (answer.retryAfterS !== undefined) head.push('retry-after', String(answer.retryAfterS))
    if (answer.close) head.push('connection', 'close')
    res.writeHead(status, head).end(refusal.body)
    return status
  }
}

function headOf({ contentType, body }: Ack): string[] {
  const length = String(Buffer.byteLength(body))
  return [
    ...['content-type', contentType, 'content-length', length],
    ...['x-content-type-options', 'nosniff', 'cache-control', 'no-store'],
  ]
}

/** The title alone: which check failed is for our log, and not for whoever forges. */
function describeRefusal(provider: AccountProvider | undefined, code: ErrorCode): Ack {
  if (provider?.refused) return provider.refused(errorCodes[code].title)
  return { contentType: 'application/problem+json', body: JSON.stringify(toProblem(new AppError(code))) }
}
