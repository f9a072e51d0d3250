/** Stops and resumes what is sent for an account, at once and for all processes. What was sent is asked about all the same. */
import { Router } from 'express'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import type { PauseState, Pauses } from '../../store/pauses.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { noteFacts } from '../audited.ts'
import type { Principal } from '../principal.ts'
import { findAccount, presentPause } from './account-health.ts'
import { pausedAccountSchema } from './account-schemas.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { caseReasonSchema } from './cases.ts'
import type { Operation } from './operation.ts'
import { validate } from './validate.ts'

export interface PauseRoutesDeps {
  authenticate(token: string): Principal | null
  accounts: readonly { id: string }[]
  pausing: Pausing
}

export interface PausingDeps {
  pauses: Pick<Pauses, 'pause' | 'resume' | 'stateOf'>
  clock: () => number
  logger: Logger
}

export interface PauseChange {
  before: { paused: boolean }
  after: { paused: boolean }
  state: PauseState
}

/** By a person, who says why; what became of it. */
export interface Pausing {
  pause(account: string, word: { by: string; reason: string }): Promise<PauseChange>
  resume(account: string, word: { by: string; reason: string }): Promise<PauseChange>
}

export const pauseRequestSchema = z.strictObject({ reason: caseReasonSchema })

export function createPausing({ pauses, clock, logger }: PausingDeps): Pausing {
  return {
    async pause(account, { by, reason }) {
      const isNew = await pauses.pause(account, { by, reason, at: clock() })
      if (isNew) logger.warn('submissions.paused', { account, principal: by, reason })
      return {
        before: { paused: !isNew },
        after: { paused: true },
        state: await pauses.stateOf(account),
      }
    },
    async resume(account, { by, reason }) {
      const { byConfiguration } = await pauses.stateOf(account)
      if (byConfiguration) {
        throw new AppError('cannot-resume', {
          detail: 'The configuration pauses it: set `submissions` of the account to `enabled` and restart.',
        })
      }
      const wasPaused = await pauses.resume(account)
      if (wasPaused) logger.warn('submissions.resumed', { account, principal: by, reason })
      return {
        before: { paused: wasPaused },
        after: { paused: false },
        state: await pauses.stateOf(account),
      }
    },
  }
}

export function createPauseRoutes({ authenticate, accounts, pausing }: PauseRoutesDeps): Router {
  const router = Router()
  const mayAct = requireScope(authenticate, 'ops:act')

  router.post('/accounts/:id/pause', mayAct, async (req, res) => {
    const { id: account } = findAccount(accounts, String(req.params.id))
    const { reason } = validate(pauseRequestSchema, req.body)
    const changed = await pausing.pause(account, { by: String(res.locals.principal), reason })
    noteFacts(res, { before: changed.before, after: changed.after })
    res.json({ account, submissions: presentPause(changed.state) })
  })

  router.post('/accounts/:id/resume', mayAct, async (req, res) => {
    const { id: account } = findAccount(accounts, String(req.params.id))
    const { reason } = validate(pauseRequestSchema, req.body)
    const changed = await pausing.resume(account, { by: String(res.locals.principal), reason })
    noteFacts(res, { before: changed.before, after: changed.after })
    res.json({ account, submissions: presentPause(changed.state) })
  })

  router.all('/accounts/:id/pause', allowOnly('POST'))
  router.all('/accounts/:id/resume', allowOnly('POST'))
  return router
}

export const pauseOperations: readonly Operation[] = [
  {
    id: 'pauseAccount',
    method: 'post',
    path: '/v1/accounts/{id}/pause',
    tag: 'accounts',
    summary: 'Send nothing for an account',
    description: 'At once and for all processes. What was sent is asked about all the same.',
    scope: 'ops:act',
    body: pauseRequestSchema,
    example: { reason: 'The bank works on its systems tonight.' },
    answers: { 200: { description: 'As it is now', schema: pausedAccountSchema } },
    problems: ['not-found'],
  },
  {
    id: 'resumeAccount',
    method: 'post',
    path: '/v1/accounts/{id}/resume',
    tag: 'accounts',
    summary: 'Send again for an account',
    scope: 'ops:act',
    body: pauseRequestSchema,
    example: { reason: 'The bank is back.' },
    answers: { 200: { description: 'As it is now', schema: pausedAccountSchema } },
    problems: ['not-found', 'cannot-resume'],
  },
]
