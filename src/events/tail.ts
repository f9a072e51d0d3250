/**
 * The newest end of the log, kept in memory: per partition one reader follows it for the whole process, so that those who
 * read at the head cost Redis nothing, however many they are. Who is further back reads Redis, and leaves the memory as
 * it is.
 *
 * A partition is followed from when the first reader reaches its end, and for as long as somebody reads. Growth is heard
 * of by a hint, which may be lost, so each partition is looked at every second as well; what nobody could look at
 * for longer is not answered from memory. The place it was read up to is looked for again each time: where the log does
 * not go through it any more, as after a failover that lost writes, the memory is thrown away.
 */
import { AppError } from '../domain/errors.ts'
import { createGather } from './gather.ts'
import { createGrowth } from './growth.ts'
import {
  createPublishedLog,
  type Entry,
  type PublishedEvent,
  type PublishedLogDeps,
  type ScannableLog,
} from './published.ts'
import { createTailWindow, type TailWindow, type WindowLimits } from './tail-window.ts'

export interface TailListener {
  /** In order within the partition. From where it began to listen, as soon as they are there. */
  onEvents(partition: number, events: readonly PublishedEvent[]): void
  /** The memory of a partition was thrown away: events may have been missed, which are in the log. */
  onReset?(partition: number): void
}

export interface Tail extends ScannableLog {
  /** What came after this position, at once; undefined where memory cannot tell. */
  recall(partition: number, position: string, limit: number): readonly PublishedEvent[] | undefined
  /** Makes sure that what was written before this call is in memory, where the partition is followed. */
  freshen(): Promise<void>
  /** Counts up whenever a partition has grown. */
  growth(): number
  /** Resolves when it has grown since that count, or after the time given, or when the signal ends the wait. Never rejects. */
  whenGrown(signal: AbortSignal, ms: number, since?: number): Promise<void>
  /** Follows every partition from its end on. Returns what ends it. */
  subscribe(listener: TailListener): () => void
  start(): void
  stop(): Promise<void>
}

export interface TailDeps extends PublishedLogDeps {
  /** Hears that a partition has grown. Returns what ends it. */
  listen(listener: (partition: number) => void): () => void
  clock: () => number
  limits?: WindowLimits
}

/** Of each partition. Ten seconds: that is how long an erasure by another process may go unheard. */
export const windowLimits: WindowLimits = { events: 4_096, bytes: 2 * 1024 * 1024, ageMs: 10_000 }
const lookMs = 1_000
/** After a missed look or two the truth is asked for again. */
const trustMs = 2_500
/** Hints that come close together share a look: at full intake there would be one for each commit otherwise. */
const gatherMs = 4
/** Nobody has read for so long: following would make each event for no one. */
const idleMs = 10_000
const atOnce = 256

interface Followed {
  window: TailWindow
  /** When the log was last seen to end where the window does. */
  lookedAt: number
}

export function createTail({ listen, clock, limits = windowLimits, ...deps }: TailDeps): Tail {
  const { log } = deps
  const published = createPublishedLog(deps)
  const followed: (Followed | undefined)[] = Array.from({ length: log.partitions }, () => undefined)
  const looking: ({ done: Promise<void>; again: boolean } | undefined)[] = []
  const listeners = new Set<TailListener>()
  const growth = createGrowth()
  const hints = createGather<number>({
    ms: gatherMs,
    clock,
    handOn: (partitions) => {
      for (const partition of partitions) void look(partition)
    },
  })
  let usedAt = clock()
  let timer: NodeJS.Timeout | undefined
  let unlisten: (() => void) | undefined
  let stopped = false

  const isUsed = () => listeners.size > 0 || growth.isWaitedFor() || clock() - usedAt < idleMs

  function follow(partition: number, position: string, lookedAt: number): void {
    if (stopped || !timer || followed[partition]) return
    followed[partition] = { window: createTailWindow(position, limits), lookedAt }
    // Hints that came while nobody followed were passed over.
    void look(partition)
  }

  function reset(partition: number): void {
    followed[partition] = undefined
    for (const { onReset } of listeners) onReset?.(partition)
    growth.grown()
  }

  /** One at a time for each partition; who comes meanwhile waits for one that begins after they came. */
  function look(partition: number): Promise<void> {
    const running = looking[partition]
    if (running) {
      running.again = true
      return running.done
    }
    const turn = { again: false, done: Promise.resolve() }
    looking[partition] = turn
    turn.done = readOn(partition, turn)
    return turn.done
  }

  async function readOn(partition: number, turn: { again: boolean }): Promise<void> {
    try {
      do {
        turn.again = false
        while (await readSome(partition)) {}
      } while (turn.again && !stopped)
    } finally {
      // In the same step as the last look at `again`: nobody may come in between.
      looking[partition] = undefined
    }
  }

  /** Whether there may be more. */
  async function readSome(partition: number): Promise<boolean> {
    const one = followed[partition]
    if (!one || stopped) return false
    const startedAt = clock()
    try {
      const events = await published.readAfter(partition, one.window.last(), atOnce)
      if (followed[partition] !== one) return true
      take(partition, one, events)
      if (events.length === atOnce) return true
      one.lookedAt = startedAt
    } catch (error) {
      if (isGone(error)) reset(partition)
      // Redis is away, or an event cannot be opened: whoever asks is sent past memory, and gets to know.
      else one.lookedAt = 0
    }
    return false
  }

  function take(partition: number, { window }: Followed, events: readonly PublishedEvent[]): void {
    if (events.length === 0) return
    window.append(events, clock())
    for (const { onEvents } of listeners) onEvents(partition, events)
    growth.grown()
  }

  async function everySecond(): Promise<void> {
    if (!isUsed()) followed.fill(undefined)
    for (const [partition, one] of followed.entries()) {
      one?.window.age(clock())
      if (one) void look(partition)
    }
    if (listeners.size > 0) await followAll()
  }

  async function followAll(): Promise<void> {
    if (followed.every((one) => one)) return
    const startedAt = clock()
    // Where Redis is away this is tried again in a second.
    const positions = await log.newest().catch(() => [])
    for (const [partition, position] of positions.entries()) follow(partition, position, startedAt)
  }

  function recall(partition: number, position: string, limit: number): readonly PublishedEvent[] | undefined {
    usedAt = clock()
    const one = followed[partition]
    if (!one || clock() - one.lookedAt > trustMs) return undefined
    one.window.age(usedAt)
    return one.window.after(position, limit)
  }

  async function scan(partition: number, position: string, limit: number): Promise<readonly Entry[]> {
    const recalled = recall(partition, position, limit)
    if (recalled) return recalled
    const startedAt = clock()
    const entries = await log.readPartition(partition, position, limit)
    if (entries.length < limit) follow(partition, entries.at(-1)?.position ?? position, startedAt)
    return entries
  }

  return {
    ...published,
    scan,
    recall,
    readAfter: async (partition, position, limit) =>
      published.publish(await scan(partition, position, limit)),
    async freshen() {
      await Promise.all(followed.map((one, partition) => (one ? look(partition) : undefined)))
    },
    growth: growth.count,
    whenGrown: growth.wait,
    subscribe(listener) {
      listeners.add(listener)
      void followAll()
      return () => listeners.delete(listener)
    },
    start() {
      unlisten = listen((partition) => {
        if (followed[partition]) hints.add(partition)
      })
      timer = setInterval(() => void everySecond(), lookMs)
    },
    async stop() {
      stopped = true
      unlisten?.()
      clearInterval(timer)
      hints.stop()
      growth.end()
      await Promise.all(looking.map((one) => one?.done))
      followed.fill(undefined)
    },
  }
}

function isGone(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'cursor-superseded' || error.code === 'cursor-expired')
}
