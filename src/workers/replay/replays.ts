/**
 * Replays of callbacks, for the API, the command and Bull Board alike: what a query comes to, and one begun, aborted or
 * resumed. Who does the steps is in run.ts, in the workers.
 */
import type {
  CallbackReplay,
  ReplayFailure,
  ReplayPlan,
  ReplayQuery,
  ReplayStep,
} from '../../domain/callback-replay.ts'
import { AppError } from '../../domain/errors.ts'
import { type IdMaker, type ReplayId, readReplayId } from '../../domain/ids.ts'
import type { ReplayPlans } from '../../store/replay-plans.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Choose } from './choose.ts'
import type { FetchReceipt } from './fetch.ts'
import type { Foresee } from './foresee.ts'
import { describePlan, type PlannedStep } from './plan.ts'

export interface CallbackReplaysDeps {
  choose: Choose
  fetch: FetchReceipt
  /** One for each plan, since it keeps what it has foreseen. */
  createForesee(): Foresee
  plans: ReplayPlans
  ids: Pick<IdMaker, 'replayId'>
  clock: () => number
  logger: Logger
}

export interface BeginRequest {
  query: ReplayQuery
  by: string
  reason: string
  perSecond?: number | undefined
}

export interface CallbackReplays {
  /** Changes nothing. */
  plan(query: ReplayQuery): Promise<ReplayPlan>
  /** Durable when it returns: the workers do it, whatever becomes of who asked. */
  begin(request: BeginRequest): Promise<{ replay: CallbackReplay; plan: ReplayPlan }>
  list(): Promise<CallbackReplay[]>
  /** These throw `not-found`. */
  find(id: string): Promise<WholeReplay>
  abort(id: string): Promise<CallbackReplay>
  resume(id: string): Promise<CallbackReplay>
}

export interface WholeReplay {
  replay: CallbackReplay
  /** Missing of one that has lost it with age. */
  plan: ReplayPlan | undefined
  /** The first of those that failed again. */
  failures: ReplayFailure[]
}

/** Of one replay: what is left is chosen by the next. */
export const stepsMax = 10_000
export const perSecondDefault = 50
export const perSecondMax = 1_000
/** Read and decided on together. */
const atOnce = 64

export function createCallbackReplays(deps: CallbackReplaysDeps): CallbackReplays {
  const { plans, clock, logger } = deps

  async function prepare(query: ReplayQuery): Promise<{ steps: ReplayStep[]; plan: ReplayPlan }> {
    const chosen = await deps.choose(query)
    const foresee = deps.createForesee()
    const planned: PlannedStep[] = []
    let at = 0
    for (; at < chosen.length && planned.length < stepsMax; at += atOnce) {
      const some = chosen.slice(at, at + Math.min(atOnce, stepsMax - planned.length))
      const receipts = await Promise.all(some.map(deps.fetch))
      const foreseen = await foresee(
        some.map((step, i) => ({
          id: step.receipt,
          receipt: receipts[i] ?? new AppError('internal-error'),
          isFailed: isOfFailed(step),
        })),
      )
      for (const [i, step] of some.entries()) {
        const one = foreseen[i]
        if (one && isAbout(query, step, one.reference)) planned.push({ step, foreseen: one })
      }
    }
    return {
      steps: planned.map(({ step }) => step),
      plan: describePlan(planned, at < chosen.length),
    }
  }

  async function change(
    id: string,
    by: (id: ReplayId) => Promise<CallbackReplay | 'too-many' | undefined>,
  ): Promise<CallbackReplay> {
    const known = readReplayId(id)
    const replay = known && (await by(known))
    if (!replay) throw noSuchReplay()
    if (replay === 'too-many') throw tooMany()
    return replay
  }

  return {
    plan: async (query) => (await prepare(query)).plan,

    async begin({ query, by, reason, perSecond = perSecondDefault }) {
      const { steps, plan } = await prepare(query)
      const now = clock()
      const isEmpty = steps.length === 0
      const replay: CallbackReplay = {
        id: deps.ids.replayId(),
        state: isEmpty ? 'done' : 'running',
        by,
        reason,
        query,
        perSecond,
        count: steps.length,
        done: 0,
        outcomes: {},
        createdAt: now,
        ...(isEmpty && { endedAt: now }),
      }
      if ((await plans.add(replay, plan, steps)) === 'too-many') throw tooMany()
      logger.info('replay.begun', { replayId: replay.id, callbacks: steps.length, principal: by })
      return { replay, plan }
    },

    list: () => plans.list(),

    async find(id) {
      const known = readReplayId(id)
      const replay = known && (await plans.find(known))
      if (!replay) throw noSuchReplay()
      const [plan, failures] = await Promise.all([plans.readPlan(known), plans.readFailures(known)])
      return { replay, plan, failures }
    },

    abort: (id) => change(id, plans.abort),

    async resume(id) {
      const replay = await change(id, plans.resume)
      if (replay.state === 'done')
        throw new AppError('replay-ended', {
          detail: 'It is done. What failed again is chosen by another one.',
        })
      return replay
    },
  }
}

/** Otherwise it is left as it is where it fails again. */
export function isOfFailed({ parked, job, recorded }: ReplayStep): boolean {
  return job !== undefined || (parked === undefined && !recorded)
}

/** What was found by its reference lies under it; a failed job says only when it is read. */
function isAbout(query: ReplayQuery, step: ReplayStep, reference: string | undefined): boolean {
  return query.reference === undefined || step.job === undefined || query.reference === reference
}

function noSuchReplay(): AppError {
  return new AppError('not-found', { detail: 'There is no replay with this id.' })
}

function tooMany(): AppError {
  return new AppError('too-many-replays', { detail: 'Five replays of callbacks are running.' })
}
