/** What all parts of the deliveries share. */
import type { DeliveryNote } from '../../domain/delivery.ts'
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import type { PublishedEvent, PublishedLog } from '../../events/published.ts'
import type { RunPlace, Runs } from '../../store/runs.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Desk } from './desk.ts'
import type { Endpoint, Send } from './send.ts'
import type { Slots } from './slots.ts'

export interface DeliverTerms {
  /** Events of a page. */
  pageMax: number
  /** A request takes this long at most. */
  timeoutMs: number
  /** Until an event is given up. */
  retryMs: number
  /** A request that takes longer than this, and than is usual, no longer holds up a page. */
  patienceMs: number
  /** A turn gives way to others after so long. */
  turnMs: number
}

export const usualTerms: Omit<DeliverTerms, 'timeoutMs' | 'retryMs'> = {
  pageMax: 128,
  patienceMs: 1_000,
  turnMs: 5_000,
}

/** Beyond the longest request: for what happens around it, and for clocks that differ. */
export const marginMs = 5_000

/** A subscription while something is sent to it. */
export interface Target {
  subscription: SubscriptionId
  /** As it is at this moment: asked before each request. Undefined where nothing is to be sent any more. */
  endpoint(): Promise<Endpoint | undefined>
}

/** A run as it is walked in one partition. */
export interface Walk {
  place: RunPlace
  target: Target
  isWanted(event: PublishedEvent): boolean
  /** The subscription is as it was when the walk was begun, and the run goes on. */
  isCurrent(): Promise<boolean>
  /** Where it begins; and where it ends, of a replay. */
  from: string
  until?: string | undefined
}

/** Who may send, and for how long. */
export interface Leave {
  /** Asked before each request: false when the program stops, or where another process may have the job. */
  maySend(): boolean
  /** Ends requests that are under way. */
  signal: AbortSignal
  /** This request goes on after who had the leave has ended; a stop ends it all the same. */
  outlive?(request: Promise<unknown>): void
}

export interface DeliverDeps {
  log: Pick<PublishedLog, 'readAfter'> & {
    /** Where one goes on whose position is not in the log any more. */
    standing(partition: number, position: string): Promise<string>
  }
  /** Those of these that are still in the log, by position. */
  readEvents(partition: number, positions: readonly string[]): Promise<Map<string, PublishedEvent>>
  runs: Runs
  desk: Desk
  slotsOf(id: SubscriptionId): Slots
  send: Send
  /** 410 was answered under this URL. */
  onGone(id: SubscriptionId, run: RunId, url: string): Promise<void>
  /** Asks for a turn. */
  wake(walk: Pick<Walk, 'place' | 'target'>): void
  /** What the log did not have any more when the run came to it. */
  noteMissed(walk: Walk, stretch: { from: string; until: string }): Promise<void>
  terms: DeliverTerms
  clock: () => number
  random: () => number
  logger: Logger
}

/** What is said of an event: ids, and what came of it. */
export function fieldsOf(walk: Pick<Walk, 'place' | 'target'>) {
  const { run, partition } = walk.place
  return { subscription: walk.target.subscription, run, partition }
}

/** `nextAt`: when what failed is tried again. */
export function logNotes(
  logger: Logger,
  walk: Pick<Walk, 'place' | 'target'>,
  notes: readonly DeliveryNote[],
  nextAt?: number,
) {
  for (const { event, subject, number, outcome, attempt } of notes) {
    const fields = () => ({
      ...fieldsOf(walk),
      eventId: event,
      subject,
      attempt: number,
      status: attempt?.status,
      error: attempt?.error,
      durationMs: attempt?.tookMs,
    })
    if (outcome === 'skipped') logger.warn('delivery.skipped', fields())
    else if (outcome === 'failed') logger.info('delivery.failed', { ...fields(), nextAt })
    else if (logger.isOn('debug')) logger.debug('delivery.delivered', fields())
  }
}
