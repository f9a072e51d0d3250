/** What somebody signed in asks for on the operators' pages, as the audit log names it. What has no name here gets one from its path. */
import type { Request, Response } from 'express'
import type { AuditedAction } from '../../domain/audit.ts'
import { readReason, readTarget } from '../audited.ts'
import type { Principal } from '../principal.ts'

/** They are put on record by their own routes, who did it being known only then. */
const ofSignIn = /^\/sign-(in|out)(\/|$)/
/** Nothing is changed by looking for something. */
const harmless = /^\/search$/

const named: [pattern: RegExp, action: string][] = [
  [/^\/queues\/api\/queues\/[^/]+\/retry\/[^/]+$/, 'jobs.retry'],
  [/^\/queues\/api\/queues\/([^/]+\/[^/]+)\/retry$/, 'job.retry'],
  [/^\/queues(\/|$)/, 'queue.change'],
]

/** An id of ours has digits, a word of a path has none; an account's may have none, and stands between two words. */
const isId = (part: string, i: number, parts: readonly string[]) =>
  /\d/.test(part) || (i === 1 && parts.length > 2 && parts[0] === 'accounts')

export function createDescribeAction(whoAsks: (req: Request) => Promise<Principal | null>) {
  return async (req: Request, res: Response): Promise<AuditedAction | undefined> => {
    const path = req.path.replace(/\/+$/, '')
    if (ofSignIn.test(path) || harmless.test(path)) return undefined
    const principal = await whoAsks(req)
    if (!principal) return undefined
    const target = readTarget(targetOf(path))
    return {
      who: principal.id,
      via: principal.via ?? 'token',
      action: named.find(([pattern]) => pattern.test(path))?.[1] ?? nameOf(path),
      ...(target && { target }),
      reason: readReason(req.body),
      request: String(res.getHeader('x-request-id') ?? '') || undefined,
    }
  }
}

function targetOf(path: string): string[] {
  const queue = /^\/queues\/api\/queues\/(.+?)(?:\/retry(?:\/\w+)?)?$/.exec(path)?.[1]
  return queue === undefined ? wordsOf(path).filter(isId) : queue.split('/')
}

/** `/cases/case-…/resolve` is `case.resolve`, as of the API. */
function nameOf(path: string): string {
  const words = wordsOf(path).filter((part, i, parts) => /^[a-z-]{1,40}$/.test(part) && !isId(part, i, parts))
  const [noun, ...verbs] = words
  return [noun?.replace(/s$/, ''), ...verbs].join('.') || 'unknown'
}

function wordsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}
