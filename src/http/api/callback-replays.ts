/**
 * Replays of callbacks: what a query comes to, and one begun. The words of this file are about what providers sent; events
 * that are sent to a subscription again are in replays.ts.
 */
import { Router } from 'express'
import { z } from 'zod'
import type { AuditFacts } from '../../domain/audit.ts'
import {
  type CallbackReplay,
  callbackReplayStates,
  type ReplayPlan,
  type ReplayQuery,
  replaySources,
} from '../../domain/callback-replay.ts'
import { AppError, type ErrorCode, errorCodes } from '../../domain/errors.ts'
import { formatTime, parseTime } from '../../domain/time.ts'
import { timeSchema } from '../../events/shared-resource.ts'
import {
  type CallbackReplays,
  perSecondDefault,
  perSecondMax,
  type WholeReplay,
} from '../../workers/replay/replays.ts'
import { noteFacts } from '../audited.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { holdsScope, requireScope } from './authorize.ts'
import { caseReasonSchema } from './cases.ts'
import type { Operation } from './operation.ts'
import { validate } from './validate.ts'

export interface CallbackReplayRoutesDeps {
  authenticate(token: string): Principal | null
  callbackReplays: CallbackReplays
}

const time = z
  .string()
  .refine((text) => parseTime(text) !== undefined, {
    params: { code: 'invalid-time' },
    message: 'It must be a time as 2027-01-10T00:00:00Z.',
  })
  .meta({ format: 'date-time' })

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]

export const callbackQuerySchema = z.strictObject({
  from: z.array(z.enum(replaySources)).min(1).optional().meta({
    description: 'Where to look: what failed, unless `ids` name it, which are looked for everywhere.',
  }),
  account: z.string().min(1).max(64).optional(),
  since: time.optional().meta({ description: 'Received at this time or later.' }),
  until: time.optional().meta({ description: 'Received before this time.' }),
  code: z.enum(codes).optional().meta({ description: 'Why it failed.' }),
  reference: z.string().min(1).max(128).optional().meta({ description: 'Yours, of what it is about.' }),
  ids: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(1_000)
    .optional()
    .meta({ description: 'Of receipts, failed jobs, cases or intents.' }),
})

const requestSchema = z.strictObject({
  query: callbackQuerySchema,
  dryRun: z.boolean().optional().meta({ description: 'Says what would happen, and changes nothing.' }),
  reason: caseReasonSchema.optional().meta({ description: 'Required unless it is a dry run.' }),
  perSecond: z
    .int()
    .min(1)
    .max(perSecondMax)
    .optional()
    .meta({ description: `How many callbacks a second; ${perSecondDefault} unless said otherwise.` }),
})
const nothingSchema = z.strictObject({})

export function createCallbackReplayRoutes({
  authenticate,
  callbackReplays,
}: CallbackReplayRoutesDeps): Router {
  const router = Router()
  const mayLook = requireScope(authenticate, 'ops:read')
  const mayAct = requireScope(authenticate, 'ops:act')

  router.post('/replays', mayLook, async (req, res) => {
    const { dryRun, query: asked, reason, perSecond } = validate(requestSchema, req.body)
    const query = readQuery(asked)
    if (dryRun) {
      res.json(presentPlan(await callbackReplays.plan(query)))
      return
    }
    if (!holdsScope(res, 'ops:act'))
      throw new AppError('missing-scope', { detail: 'This needs the scope ops:act.' })
    if (reason === undefined) throw reasonMissing()
    const by = String(res.locals.principal)
    const { replay, plan } = await callbackReplays.begin({ query, by, reason, perSecond })
    noteFacts(res, { after: factsOf(replay) })
    res
      .status(202)
      .location(`/v1/replays/${replay.id}`)
      .json(presentWhole({ replay, plan, failures: [] }))
  })

  router.get('/replays', mayLook, async (_req, res) => {
    const all = await callbackReplays.list()
    res.json({ items: all.map(presentReplay), next: null })
  })

  router.get('/replays/:id', mayLook, async (req, res) => {
    res.json(presentWhole(await callbackReplays.find(String(req.params.id))))
  })

  router.post('/replays/:id/abort', mayAct, async (req, res) => {
    validate(nothingSchema, req.body ?? {})
    res.json(presentReplay(await callbackReplays.abort(String(req.params.id))))
  })

  router.post('/replays/:id/resume', mayAct, async (req, res) => {
    validate(nothingSchema, req.body ?? {})
    res.status(202).json(presentReplay(await callbackReplays.resume(String(req.params.id))))
  })

  router.all('/replays', allowOnly('GET', 'HEAD', 'POST'))
  router.all('/replays/:id', allowOnly('GET', 'HEAD'))
  router.all('/replays/:id/abort', allowOnly('POST'))
  router.all('/replays/:id/resume', allowOnly('POST'))
  return router
}

/** Its times as numbers. */
export function readQuery({ since, until, ...rest }: z.output<typeof callbackQuerySchema>): ReplayQuery {
  const from = since === undefined ? {} : { since: parseTime(since) }
  const till = until === undefined ? {} : { until: parseTime(until) }
  return { ...rest, ...from, ...till }
}

function presentQuery({ since, until, ...rest }: ReplayQuery): z.infer<typeof callbackQuerySchema> {
  return {
    ...rest,
    ...(since !== undefined && { since: formatTime(since) }),
    ...(until !== undefined && { until: formatTime(until) }),
  }
}

function reasonMissing(): AppError {
  return new AppError('invalid-request', {
    detail: 'The request is not valid; `errors` says where.',
    errors: [{ path: 'reason', code: 'invalid-type', message: 'It is required.' }],
  })
}

const counts = z.record(z.string(), z.int())
const stateSchema = z.object({ state: z.string(), held: z.boolean() })
const outcomesSchema = counts.meta({
  description:
    'How many came to what: applied, held, repeat, stale, awaits-person, unverified, parked (it waits for what it is about), failed.',
})

export const replayPlanSchema = z.object({
  callbacks: z.int(),
  more: z.boolean().meta({ description: 'More were found than one replay takes: do another after it.' }),
  outcomes: outcomesSchema,
  changes: z.int().meta({ description: 'How many transfers, batches, coupons and pay-ins would change.' }),
  value: z
    .array(z.object({ value: z.string(), currency: z.string() }))
    .meta({ description: 'What those are worth, by currency, each counted once.' }),
  events: counts.meta({ description: 'By type, how many would go out.' }),
  failures: z
    .array(z.object({ code: z.string(), reason: z.string(), count: z.int(), first: z.string() }))
    .meta({ description: 'Those that would fail again, by why.' }),
  intents: z
    .array(
      z.object({
        intent: z.string(),
        kind: z.string(),
        account: z.string(),
        reference: z.string(),
        callbacks: z.int(),
        from: stateSchema.nullable(),
        to: stateSchema,
        events: z.array(z.string()),
      }),
    )
    .meta({ description: 'The first hundred of those that would change.' }),
})

export const callbackReplaySchema = z.object({
  id: z.string(),
  state: z.enum(callbackReplayStates),
  by: z.string(),
  reason: z.string(),
  query: callbackQuerySchema,
  perSecond: z.int(),
  count: z.int().meta({ description: 'How many callbacks were chosen.' }),
  done: z.int().meta({ description: 'How many of them were replayed, whatever they came to.' }),
  outcomes: outcomesSchema,
  createdAt: timeSchema,
  endedAt: timeSchema.optional(),
})
export type CallbackReplayResource = z.infer<typeof callbackReplaySchema>

const wholeSchema = callbackReplaySchema.extend({
  plan: replayPlanSchema.optional().meta({ description: 'As it was foreseen when it began.' }),
  failures: z
    .array(z.object({ receipt: z.string(), account: z.string(), code: z.string(), reason: z.string() }))
    .meta({ description: 'Those that failed again, the first thousand.' }),
})

/** For the record of what people did. */
export function factsOf({ id, count }: CallbackReplay): AuditFacts {
  return { replay: id, callbacks: count }
}

export function presentPlan(plan: ReplayPlan): z.infer<typeof replayPlanSchema> {
  return { ...plan, outcomes: { ...plan.outcomes } as Record<string, number> }
}

export function presentReplay(replay: CallbackReplay): CallbackReplayResource {
  const { query, outcomes, createdAt, endedAt, ...rest } = replay
  return {
    ...rest,
    query: presentQuery(query),
    outcomes: { ...outcomes } as Record<string, number>,
    createdAt: formatTime(createdAt),
    ...(endedAt !== undefined && { endedAt: formatTime(endedAt) }),
  }
}

export function presentWhole({ replay, plan, failures }: WholeReplay): z.infer<typeof wholeSchema> {
  return { ...presentReplay(replay), ...(plan && { plan: presentPlan(plan) }), failures }
}

export const callbackReplayOperations: readonly Operation[] = [
  {
    id: 'beginCallbackReplay',
    method: 'post',
    path: '/v1/replays',
    tag: 'replays',
    summary: 'Replay callbacks',
    description:
      'Those that the query names are decided on once more, in the order in which they came; one that was applied changes nothing. With `dryRun` it answers with the plan and changes nothing; without, it needs the scope `ops:act`, answers at once, and the workers do it.',
    scope: 'ops:read',
    body: requestSchema,
    example: {
      query: { account: 'zeno-main', code: 'callback-not-understood', since: '2027-01-10T00:00:00Z' },
      reason: 'The new status is understood since 1.4.',
      perSecond: 50,
    },
    answers: {
      200: { description: 'Of a dry run: the plan', schema: replayPlanSchema },
      202: {
        description: 'The replay, with its plan',
        schema: wholeSchema,
        headers: { location: 'The path of the replay.' },
      },
    },
    problems: ['too-many-replays', 'commit-contended'],
  },
  {
    id: 'listCallbackReplays',
    method: 'get',
    path: '/v1/replays',
    tag: 'replays',
    summary: 'The replays of callbacks, newest first',
    description: 'Those that run, and the newest hundred of those that have ended.',
    scope: 'ops:read',
    answers: {
      200: {
        description: 'All of them',
        schema: z.object({ items: z.array(callbackReplaySchema), next: z.null() }),
      },
    },
  },
  {
    id: 'getCallbackReplay',
    method: 'get',
    path: '/v1/replays/{id}',
    tag: 'replays',
    summary: 'How far a replay of callbacks has come',
    scope: 'ops:read',
    answers: { 200: { description: 'The replay, with its plan and what failed again', schema: wholeSchema } },
    problems: ['not-found'],
  },
  {
    id: 'abortCallbackReplay',
    method: 'post',
    path: '/v1/replays/{id}/abort',
    tag: 'replays',
    summary: 'Stop a replay of callbacks',
    description:
      'What is under way is finished, up to 64 of them; what was done stays done. One that has ended stays as it was.',
    scope: 'ops:act',
    body: nothingSchema,
    bodyOptional: true,
    answers: { 200: { description: 'As it stands then', schema: callbackReplaySchema } },
    problems: ['not-found', 'commit-contended'],
  },
  {
    id: 'resumeCallbackReplay',
    method: 'post',
    path: '/v1/replays/{id}/resume',
    tag: 'replays',
    summary: 'Go on with a replay of callbacks that was aborted',
    scope: 'ops:act',
    body: nothingSchema,
    bodyOptional: true,
    answers: { 202: { description: 'It goes on', schema: callbackReplaySchema } },
    problems: ['not-found', 'replay-ended', 'too-many-replays', 'commit-contended'],
  },
]
