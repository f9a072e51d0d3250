/**
 * What only a person can settle. Resolving a case notes that somebody has dealt with it, and does nothing else: a failed job
 * stays where it is, to be retried or not.
 */
import { Router } from 'express'
import { z } from 'zod'
import { type Case, type CaseResolved, caseStates } from '../../domain/case.ts'
import { AppError } from '../../domain/errors.ts'
import { readCaseId } from '../../domain/ids.ts'
import { formatTime } from '../../domain/time.ts'
import { presentCase } from '../../events/case-resource.ts'
import { type Cases, isCasePlace } from '../../store/cases.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

export interface CaseRoutesDeps {
  authenticate(token: string): Principal | null
  cases: Cases
  logger: Logger
}

const listSchema = z.strictObject({
  account: z.string().min(1).optional(),
  state: z.enum(caseStates).optional(),
  after: z.string().refine(isCasePlace, 'It is not `next` of an earlier answer.').optional(),
  limit: wholeNumber(1, 1000).optional(),
})

/** It is shown in lists and logs. */
export const caseReasonSchema = z
  .string({ error: 'It is required.' })
  .trim()
  .min(1, 'It is required.')
  .max(500)
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'It must be one line.')

const resolveSchema = z.strictObject({ reason: caseReasonSchema })

export function createCaseRoutes({ authenticate, cases, logger }: CaseRoutesDeps): Router {
  const router = Router()
  const mayLook = requireScope(authenticate, 'ops:read')
  const mayAct = requireScope(authenticate, 'ops:act')

  router.get('/cases', mayLook, async (req, res) => {
    const { limit, ...asked } = validate(listSchema, req.query)
    const page = await cases.list({ ...asked, limit: limitOf(limit) })
    res.json({ items: page.cases.map(presentCase), next: page.next })
  })

  router.get('/cases/:id', mayLook, async (req, res) => {
    res.json(presentCase(await findCase(cases, String(req.params.id))))
  })

  router.post('/cases/:id/resolve', mayAct, async (req, res) => {
    const { reason } = validate(resolveSchema, req.body)
    const by = String(res.locals.principal)
    const resolved = await resolveByPerson(cases, String(req.params.id), { by, reason })
    const { id, account } = resolved.after
    if (resolved.outcome === 'resolved')
      logger.info('case.resolved', { caseId: id, account, by: 'person', principal: by })
    res.json(presentCase(resolved.after))
  })

  router.all('/cases', allowOnly('GET', 'HEAD'))
  router.all('/cases/:id', allowOnly('GET', 'HEAD'))
  router.all('/cases/:id/resolve', allowOnly('POST'))
  return router
}

export async function findCase(cases: Pick<Cases, 'find'>, text: string): Promise<Case> {
  const id = readCaseId(text)
  const found = id && (await cases.find(id))
  if (!found) throw noSuchCase()
  return found
}

export async function resolveByPerson(
  cases: Pick<Cases, 'resolve'>,
  text: string,
  { by, reason }: { by: string; reason: string },
): Promise<CaseResolved> {
  const id = readCaseId(text)
  const resolution = { resolution: 'by-person', resolvedBy: by, resolvedBecause: reason } as const
  const resolved = id && (await cases.resolve(id, resolution))
  if (!resolved) throw noSuchCase()
  if (resolved.outcome === 'resolved-otherwise') {
    const who = resolved.after.resolution === 'applied' ? 'Its callback was applied' : 'Somebody resolved it'
    throw new AppError('case-resolved', { detail: `${who} at ${formatTime(resolved.after.resolvedAt)}.` })
  }
  return resolved
}

function noSuchCase(): AppError {
  return new AppError('not-found', { detail: 'There is no case with this id.' })
}
