/**
 * What only a person can settle. Resolving the case of a callback or of a drift notes that somebody has dealt with it, and does
 * nothing else: a failed job stays where it is, to be retried or not. Resolving one of what is held decides it.
 */
import { Router } from 'express'
import { z } from 'zod'
import type { AuditFacts } from '../../domain/audit.ts'
import { type Case, caseStates } from '../../domain/case.ts'
import { readCaseId } from '../../domain/ids.ts'
import { resolutionActions } from '../../domain/observation.ts'
import { type CaseResource, caseSchema, presentCase } from '../../events/case-resource.ts'
import { type Cases, isCasePlace } from '../../store/cases.ts'
import type { ReadSides } from '../../workers/case-sides.ts'
import type { ResolveCase } from '../../workers/resolve-case.ts'
import { noSuchCase } from '../../workers/resolve-request.ts'
import { noteFacts } from '../audited.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { holdsScope, requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'
import { presentSides, type SideOptions } from './present-sides.ts'
import { type SidesResource, sidesSchema } from './side-schemas.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

export interface CaseRoutesDeps {
  authenticate(token: string): Principal | null
  cases: Pick<Cases, 'find' | 'list'>
  resolve: ResolveCase
  readSides: ReadSides
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

const resolveSchema = z.strictObject({
  reason: caseReasonSchema,
  action: z.enum(resolutionActions).optional(),
  receipt: z.string().max(64).optional(),
})

export function createCaseRoutes({ authenticate, cases, resolve, readSides }: CaseRoutesDeps): Router {
  const router = Router()
  const mayLook = requireScope(authenticate, 'ops:read')
  const mayAct = requireScope(authenticate, 'ops:act')

  router.get('/cases', mayLook, async (req, res) => {
    const { limit, ...asked } = validate(listSchema, req.query)
    const page = await cases.list({ ...asked, limit: limitOf(limit) })
    res.json({ items: page.cases.map(presentCase), next: page.next })
  })

  router.get('/cases/:id', mayLook, async (req, res) => {
    const found = await findCase(cases, String(req.params.id))
    res.json(await presentWhole(found, readSides, { names: holdsScope(res, 'transfers:read') }))
  })

  router.post('/cases/:id/resolve', mayAct, async (req, res) => {
    const asked = validate(resolveSchema, req.body)
    const { after } = await resolve({ ...asked, id: String(req.params.id), by: String(res.locals.principal) })
    noteFacts(res, { before: { state: 'open' }, after: factsOfResolved(after, asked.action) })
    res.json(presentCase(after))
  })

  router.all('/cases', allowOnly('GET', 'HEAD'))
  router.all('/cases/:id', allowOnly('GET', 'HEAD'))
  router.all('/cases/:id/resolve', allowOnly('POST'))
  return router
}

/** For the audit log. */
export function factsOfResolved(one: Case, action?: string): AuditFacts {
  const { kind, state } = one
  return { kind, state, ...('intent' in one && { intent: one.intent }), ...(action && { action }) }
}

export async function findCase(cases: Pick<Cases, 'find'>, text: string): Promise<Case> {
  const id = readCaseId(text)
  const found = id && (await cases.find(id))
  if (!found) throw noSuchCase()
  return found
}

/** With both sides, where it has any. Lists do without: what they show need not be opened. */
export async function presentWhole(
  one: Case,
  readSides: ReadSides,
  options: SideOptions,
): Promise<CaseResource & { sides?: SidesResource }> {
  const sides = await readSides(one)
  return { ...presentCase(one), ...(sides && { sides: presentSides(sides, options) }) }
}

export const caseOperations: readonly Operation[] = [
  {
    id: 'listCases',
    method: 'get',
    path: '/v1/cases',
    tag: 'cases',
    summary: 'What only a person can settle',
    scope: 'ops:read',
    query: listSchema,
    answers: { 200: { description: 'One page of them, newest first', schema: pageOf(caseSchema) } },
  },
  {
    id: 'getCase',
    method: 'get',
    path: '/v1/cases/{id}',
    tag: 'cases',
    summary: 'A case with both sides',
    description: 'Numbers are masked. Names are shown only to a token that has `transfers:read` as well.',
    scope: 'ops:read',
    answers: {
      200: { description: 'The case', schema: caseSchema.extend({ sides: sidesSchema.optional() }) },
    },
    problems: ['not-found'],
  },
  {
    id: 'resolveCase',
    method: 'post',
    path: '/v1/cases/{id}/resolve',
    tag: 'cases',
    summary: 'Resolve a case',
    description: 'Of what is held, `action` says which side is right; of anything else there is none.',
    scope: 'ops:act',
    body: resolveSchema,
    example: { reason: 'The bank confirmed by telephone that it was paid.', action: 'take-theirs' },
    answers: { 200: { description: 'The case, resolved', schema: caseSchema } },
    problems: ['not-found', 'case-resolved', 'cannot-resolve', 'commit-contended'],
  },
]
