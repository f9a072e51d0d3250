/** The deliveries of one process: what takes turns, and what asks for them. */
import { setMaxListeners } from 'node:events'
import { noteMissed } from '../../domain/decide-subscription.ts'
import type { Because } from '../../domain/event.ts'
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import type { DisabledReason } from '../../domain/subscription.ts'
import { comparePositions } from '../../events/position.ts'
import type { PublishedEvent, PublishedLog } from '../../events/published.ts'
import type { TurnDraft } from '../../queue/catalogue.ts'
import type { RedisClient } from '../../redis/client.ts'
import type { DeliveryHistory } from '../../store/delivery-history.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import type { Replays } from '../../store/replays.ts'
import type { Runs } from '../../store/runs.ts'
import type { SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { within } from '../../telemetry/within.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import { createDeliverWorker } from './deliver-worker.ts'
import { type DeliverDeps, type DeliverTerms, type Leave, marginMs, usualTerms } from './deps.ts'
import { createDesk } from './desk.ts'
import { createFindWalk, type FoundWalk } from './find-walk.ts'
import { createJanitor } from './janitor.ts'
import { createLines } from './lines.ts'
import { createOffer } from './offer.ts'
import { createScout } from './scout.ts'
import type { Send } from './send.ts'
import { createSlots, type Slots } from './slots.ts'
import { createSweep } from './sweep.ts'
import { createTurn } from './turn.ts'
import { createTurnJobs } from './turn-jobs.ts'

export interface EngineDeps {
  partitions: number
  log: DeliverDeps['log'] & Pick<PublishedLog, 'newest'>
  readEvents: DeliverDeps['readEvents']
  /** Follows the log's end. Returns what ends it. */
  follow(onEvents: (partition: number, events: readonly PublishedEvent[]) => void): () => void
  runs: Runs
  history: Pick<DeliveryHistory, 'deliveredIn'>
  endpoints: Endpoints
  replays: Replays
  directory: SubscriptionDirectory
  subscriptions: Pick<Subscriptions, 'change' | 'disable'>
  send: Send
  addJobs(jobs: TurnDraft[]): Promise<unknown>
  connection: RedisClient
  prefix: string
  settings: { timeoutMs: number; retryMs: number; disableAfterMs: number; concurrency: number }
  terms?: Partial<DeliverTerms>
  /** Of the sweeps. */
  intervals?: { dueMs?: number; behindMs?: number; janitorMs?: number }
  clock: () => number
  random: () => number
  logger: Logger
}

export interface Engine {
  /** Sends nothing new, lets what is under way finish for a while, and ends the rest. */
  stop(options?: { force?: boolean }): Promise<void>
}

/** Turns wait most of their time; those of endpoints that hang must leave room for others. */
const turnsAtOnce = 256
const dueIntervalMs = 1_000
const behindIntervalMs = 60_000
const janitorIntervalMs = 60_000
/** Of the time that a stop may take. What is ended then is sent again after the next start. */
const graceMs = 3_000
const forceMsMax = 1_000

const byDeliveries: Because = { source: 'deliveries' }

export function startEngine(deps: EngineDeps): Engine {
  const { runs, endpoints, replays, directory, subscriptions, settings, clock, random, logger } = deps
  const terms: DeliverTerms = { ...usualTerms, ...settings, ...deps.terms }
  const ending = new AbortController()
  setMaxListeners(0, ending.signal)
  let stopping = false
  const leave: Leave = { maySend: () => !stopping, signal: ending.signal }
  const warnOf = (event: string, fields: object) => (error: unknown) =>
    logger.warn(event, { ...fields, error })

  async function disable(
    id: SubscriptionId,
    because: DisabledReason,
    only: { ifLive?: RunId | undefined; ifUrl?: string } = {},
  ) {
    const done = await subscriptions.disable(id, { because, ...only })
    if (done !== 'disabled') return
    logger.warn('subscription.disabled', { subscription: id, because })
    await directory.fresh()
    await replays.endAll(id, 'disabled')
  }

  const desk = createDesk({
    endpoints,
    clock,
    random,
    probeMs: settings.timeoutMs + marginMs,
    disableAfterMs: settings.disableAfterMs,
    onClosed: (id) => void sweep.wake(id).catch(warnOf('delivery.not-woken', { subscription: id })),
    onGivenUp: (id) => disable(id, 'failing'),
    logger,
  })
  const jobs = createTurnJobs({ addJobs: deps.addJobs, clock, logger })
  const slots = new Map<SubscriptionId, Slots>()
  function slotsOf(id: SubscriptionId): Slots {
    const known = slots.get(id) ?? createSlots(settings.concurrency)
    slots.set(id, known)
    return known
  }

  const shared: DeliverDeps = {
    log: deps.log,
    readEvents: deps.readEvents,
    runs,
    desk,
    slotsOf,
    send: deps.send,
    /** What is answered late, to a run that is no more or by a URL of before, says nothing of what is there now. */
    async onGone(id, run, ifUrl) {
      const replay = await replays.find(id, run)
      if (replay?.ended) return
      await disable(id, 'gone', { ifUrl, ifLive: replay ? undefined : run })
    },
    wake: ({ place, target }) => jobs.ask({ ...place, subscription: target.subscription }),
    async noteMissed({ place, target, until: replayUntil }, { from, until }) {
      // Who stood where the log never was goes back, and misses nothing of what is there.
      if (replayUntil !== undefined || comparePositions(until, from) <= 0) return
      const stretch = { partition: place.partition, from, until }
      await subscriptions.change(target.subscription, byDeliveries, (before) => {
        const step = noteMissed(before, stretch, clock())
        return step ? [step] : []
      })
    },
    terms,
    clock,
    random,
    logger,
  }
  const offer = createOffer(shared)
  const lines = createLines({ ...shared, offer, leave })
  const sweep = createSweep({ ...deps, newest: deps.log.newest, jobs })

  /** The last partition of a replay that comes to its end ends it. */
  async function onReplayEnd({ replay }: FoundWalk): Promise<void> {
    if (!replay) return
    const progress = await runs.progressOf(replay.id)
    const isDone = progress.every(({ partition, position, waiting }) => {
      const until = replay.until[partition] ?? '0-0'
      return waiting === 0 && comparePositions(position ?? replay.from[partition] ?? '0-0', until) >= 0
    })
    if (!isDone) return
    const ended = await replays.end(replay.subscription, replay.id, 'done')
    if (ended?.isNew) logger.info('replay.ended', { subscription: replay.subscription, run: replay.id })
  }

  const worker = createDeliverWorker({
    findWalk: createFindWalk({ directory, replays }),
    takeTurn: createTurn({ ...shared, offer, lines }),
    jobs,
    onReplayEnd,
    leave,
    connection: deps.connection,
    prefix: deps.prefix,
    concurrency: turnsAtOnce,
    clock,
    random,
    logger,
  })
  const scout = createScout({ directory, jobs, isOpen: (id) => desk.state(id) === 'open', logger })
  const unfollow = deps.follow(scout.onEvents)
  const {
    dueMs = dueIntervalMs,
    behindMs = behindIntervalMs,
    janitorMs = janitorIntervalMs,
  } = deps.intervals ?? {}
  const janitor = createJanitor({ ...deps })
  const rounds: Rounds[] = [
    startRounds({ round: sweep.sweep, intervalMs: dueMs, failed: 'delivery.not-swept', logger }),
    startRounds({ round: sweep.sweepAll, intervalMs: behindMs, failed: 'delivery.not-swept', logger }),
    startRounds({ round: janitor, intervalMs: janitorMs, failed: 'delivery.not-tidied', logger }),
  ]

  async function finish(): Promise<void> {
    await worker.stop()
    await lines.idle()
    await desk.written()
  }

  return {
    async stop({ force = false } = {}) {
      stopping = true
      unfollow()
      const asked = jobs.stop()
      await Promise.all(rounds.map((one) => one.stop({ force })))
      // Where Redis is away what was asked for cannot be added; a sweep finds it.
      if (!force) await asked
      const timer = setTimeout(() => ending.abort(), force ? 0 : graceMs)
      try {
        if (force) await Promise.allSettled([within(forceMsMax, lines.idle()), worker.stop({ force })])
        else await finish()
      } finally {
        clearTimeout(timer)
        ending.abort()
      }
    },
  }
}
