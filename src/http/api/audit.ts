/** What people did. */
import { Router } from 'express'
import { z } from 'zod'
import { type AuditEntry, auditIdOf, auditOutcomes, signInWays } from '../../domain/audit.ts'
import type { AuditReading, AuditRequest } from '../../store/audit-reading.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

export interface AuditRoutesDeps {
  authenticate(token: string): Principal | null
  audit: Pick<AuditReading, 'list'>
}

const word = z.string().min(1).max(200)

const listSchema = z.strictObject({
  after: z
    .string()
    .regex(/^au-[1-9]\d{0,14}$/, 'It is not `next` of an earlier answer.')
    .optional(),
  limit: wholeNumber(1, 1000).optional(),
  who: word.optional(),
  action: word.optional(),
  target: word.optional(),
})

const factsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))

export const auditEntrySchema = z.strictObject({
  id: z.string().meta({ description: 'They are numbered without gaps; an action has two.' }),
  at: z.iso.datetime().meta({ description: 'When it was asked for.' }),
  endedAt: z.iso.datetime().optional(),
  who: z.string(),
  via: z.enum(signInWays).meta({ description: 'How they signed in.' }),
  action: z.string().meta({ description: 'As `case.resolve`.' }),
  target: z.string().optional(),
  reason: z.string().optional(),
  requestId: z.string().optional(),
  outcome: z.enum([...auditOutcomes, 'not-known']).meta({
    description:
      'refused: nothing was done. failed: it broke, and may have been done in part. not-known: it has not ended, or the process was cut off in it.',
  }),
  status: z.int().optional(),
  code: z.string().optional(),
  before: factsSchema.optional(),
  after: factsSchema.optional(),
})

export type AuditResource = z.output<typeof auditEntrySchema>

export function createAuditRoutes({ authenticate, audit }: AuditRoutesDeps): Router {
  const router = Router()

  router.get('/audit', requireScope(authenticate, 'ops:read'), async (req, res) => {
    const { after, limit, ...wanted } = validate(listSchema, req.query)
    res.json(await listAudit(audit, { ...wanted, limit: limitOf(limit), before: readAuditPlace(after) }))
  })

  router.all('/audit', allowOnly('GET', 'HEAD'))
  return router
}

export async function listAudit(audit: Pick<AuditReading, 'list'>, request: AuditRequest) {
  const { entries, next } = await audit.list(request)
  return { items: entries.map(presentAudit), next: next === null ? null : auditIdOf(next) }
}

export function readAuditPlace(after: string | undefined): number | undefined {
  return after === undefined ? undefined : Number(after.slice('au-'.length))
}

export function presentAudit(entry: AuditEntry): AuditResource {
  const { number, at, askedAt, who, via, action, target, reason, request, phase } = entry
  const { outcome = 'not-known', status, code, before, after } = entry
  return {
    id: auditIdOf(number),
    at: new Date(askedAt ?? at).toISOString(),
    ...(phase === 'ended' && { endedAt: new Date(at).toISOString() }),
    who,
    via,
    action,
    ...(target !== undefined && { target }),
    ...(reason !== undefined && { reason }),
    ...(request !== undefined && { requestId: request }),
    outcome,
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    ...(before && { before }),
    ...(after && { after }),
  }
}

export const auditOperations: readonly Operation[] = [
  {
    id: 'listAudit',
    method: 'get',
    path: '/v1/audit',
    tag: 'audit',
    summary: 'What people did',
    description:
      'Every action of a person or a token, refused ones too: who, what, why and what came of it. Registrations are not among them; the event log has those.',
    scope: 'ops:read',
    query: listSchema,
    answers: { 200: { description: 'One page of it, newest first', schema: pageOf(auditEntrySchema) } },
  },
]
