/** Begins replays: of a stretch of the log, which is counted first, or of one event. */
import { tryNow } from '../../domain/endpoint-health.ts'
import { AppError } from '../../domain/errors.ts'
import type { IdMaker } from '../../domain/ids.ts'
import { type ReplayRange, rangeOfOne, replayMatcherOf } from '../../domain/replay.ts'
import type { Positions, Replay, Subscription } from '../../domain/subscription.ts'
import type { CountStretch, StretchCount } from '../../events/count-stretch.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import type { FindDelivery, FoundDelivery } from '../../store/find-delivery.ts'
import type { LogPlaces } from '../../store/log-places.ts'
import { type Replays, runningMax } from '../../store/replays.ts'
import type { Runs } from '../../store/runs.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { ReadRange, ReplayRequest } from './replay-request.ts'

export interface ReplayingDeps {
  readRange: ReadRange
  places: Pick<LogPlaces, 'justBefore'>
  newest(): Promise<Positions>
  countStretch: CountStretch
  replays: Pick<Replays, 'add'>
  runs: Pick<Runs, 'wake' | 'commitLines'>
  endpoints: Pick<Endpoints, 'change'>
  find: FindDelivery
  /** A cursor at which the log begins: for whoever asked for what has left it. */
  begin(): Promise<string>
  ids: Pick<IdMaker, 'runId'>
  partitionOf(subject: FoundDelivery['subject']): number
  clock: () => number
  logger: Logger
}

export type Counted = StretchCount & { range: ReplayRange }
export type Resent = { as: 'replay'; replay: Replay } | { as: 'retry' }
export type Resend = (subscription: Subscription, found: FoundDelivery, by: string) => Promise<Resent>

export interface Replaying {
  count(subscription: Subscription, asked: ReplayRequest): Promise<Counted>
  /** What was counted. */
  start(
    subscription: Subscription,
    counted: Counted,
    about: { types?: readonly string[] | undefined; by: string },
  ): Promise<Replay>
  resend: Resend
}

const attemptsMax = 5

export function createReplaying(deps: ReplayingDeps): Replaying {
  const { readRange, places, newest, countStretch, replays, runs, find, ids, clock, logger } = deps

  async function add(replay: Replay, partition?: number): Promise<Replay> {
    if ((await replays.add(replay)) === 'too-many') {
      throw new AppError('too-many-replays', {
        detail: `${runningMax} replays to this subscription are running; wait for one, or cancel it.`,
      })
    }
    // Lost, this only delays: the runs that are behind are looked for now and then.
    await runs.wake(replay.id, replay.at, partition)
    const { id, subscription, count, event, by } = replay
    logger.info('replay.started', { subscription, run: id, eventId: event, count, principal: by })
    return replay
  }

  async function countAsked(subscription: Subscription, asked: ReplayRequest): Promise<Counted> {
    const range = await readRange(asked, subscription)
    const { types } = asked
    const takes = replayMatcherOf({ ...range, ...(types && { types }) }, subscription)
    return { range, ...(await countStretch(range, takes)) }
  }

  /** True where it is tried now, or is just being tried. */
  async function hurry(subscription: Subscription, found: FoundDelivery): Promise<boolean> {
    for (let attempt = 1, seen: FoundDelivery | undefined = found; attempt <= attemptsMax; attempt++) {
      const waiting = seen?.waiting
      if (!waiting) return false
      const { partition, run, subject, line, text } = waiting
      const at = clock()
      if (line.underWay || line.nextAt <= at) return true
      const lines = [{ subject, text, after: { ...line, nextAt: at } }]
      const change = { subscription: subscription.id, lines, notes: [], at }
      if (await runs.commitLines({ partition, run }, change)) return true
      seen = await find(subscription, { id: found.event, subject })
    }
    throw new AppError('commit-contended', { detail: 'The delivery is changing too quickly.' })
  }

  return {
    count: (subscription, asked) =>
      countAsked(subscription, asked).catch(async (error: unknown) => {
        throw await withBegin(error, deps.begin)
      }),

    async start(subscription, { range, count, atLeast }, { types, by }) {
      refuseDisabled(subscription)
      return add({
        id: ids.runId(),
        subscription: subscription.id,
        ...range,
        ...(types && { types }),
        count,
        ...(atLeast && { atLeast }),
        by,
        at: clock(),
      })
    },

    async resend(subscription, found, by) {
      refuseDisabled(subscription)
      const { id } = subscription
      const knock = () => deps.endpoints.change(id, (before) => before && tryNow(before, clock()))
      if (await hurry(subscription, found)) {
        await knock()
        return { as: 'retry' }
      }
      const { position, event } = found
      const partition = deps.partitionOf(found.subject)
      const end = await newest()
      const before = await places.justBefore(partition, position)
      if (before === undefined) {
        throw new AppError('cursor-expired', { detail: 'The event has left the log; the archive has it.' })
      }
      const range = rangeOfOne({ partition, before, position }, end)
      const replay = { id: ids.runId(), subscription: id, ...range, event, count: 1, by, at: clock() }
      const added = await add(replay, partition)
      await knock()
      return { as: 'replay', replay: added }
    },
  }
}

/** As the feed answers: with where one can begin. */
async function withBegin(error: unknown, begin: () => Promise<string>): Promise<unknown> {
  const code = error instanceof AppError ? error.code : undefined
  if (code !== 'cursor-expired' && code !== 'cursor-superseded') return error
  const { detail } = error as AppError
  return new AppError(code, { detail, cause: error, extra: { begin: await begin() } })
}

function refuseDisabled({ disabled }: Subscription): void {
  if (!disabled) return
  throw new AppError('subscription-disabled', {
    detail: 'Nothing is sent while it is disabled. Enable it first; `missed: "send"` sends what it missed.',
  })
}
