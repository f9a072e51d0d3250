/** Which calls of the API are on record, and under which names: all that change anything, but those that merely register. */
import type { Request, Response } from 'express'
import type { AuditedAction } from '../../domain/audit.ts'
import { readReason, readTarget } from '../audited.ts'
import type { Operation } from './operation.ts'

/** They come by the thousand from programs, and the event log tells all of what they lead to. */
const notOnRecord = new Set(['registerTransfer', 'registerBatch', 'registerCoupon', 'searchTransfers'])

interface Call {
  id: string
  method: string
  parts: string[]
}

export type DescribeCall = (req: Request, res: Response) => AuditedAction | undefined

/** `req.path` is that below /v1. */
export function createDescribeCall(operations: readonly Operation[]): DescribeCall {
  const calls = operations.map(
    ({ id, method, path }): Call => ({ id, method: method.toUpperCase(), parts: path.split('/') }),
  )
  return (req, res) => {
    const given = `/v1${req.path}`.replace(/\/$/, '').split('/')
    const call = calls.find(({ method, parts }) => method === req.method && fits(parts, given))
    if (call && notOnRecord.has(call.id)) return undefined
    const target = call && readTarget(given.filter((_, i) => call.parts[i]?.startsWith('{')))
    return {
      who: String(res.locals.principal),
      via: 'token',
      // What is not documented is no call, and asking for it is on record all the same.
      action: call ? actionNameOf(call.id) : 'unknown',
      ...(target && { target }),
      reason: readReason(req.body),
      request: String(res.getHeader('x-request-id') ?? '') || undefined,
    }
  }
}

function fits(parts: readonly string[], given: readonly string[]): boolean {
  return (
    parts.length === given.length &&
    parts.every((part, i) => part.startsWith('{') || part.toLowerCase() === given[i]?.toLowerCase())
  )
}

/** `resolveCase` is `case.resolve`. */
export function actionNameOf(id: string): string {
  const [verb = '', ...noun] = id.split(/(?=[A-Z])/)
  return `${noun.join('-').toLowerCase()}.${verb}`
}
