/**
 * The feed as one endless list: it goes on after disconnects from what was taken last, and shows what is missing. At least once:
 * the place is saved when the next event is asked for, so a crash repeats the last one. Who keeps `cursor` in the same
 * transaction as what the event led to, and gives it back by `checkpoint.load`, has each exactly once.
 */
import type { EventCalls } from './client.ts'
import { EventGap, type Gap, type Loss } from './errors.ts'
import { createHeadCount, type HeadReport } from './head-count.ts'
import { type Patience, systemPatience } from './patience.ts'
import { type Interruption, type Item, readOn } from './reconnect.ts'
import { compareOrder, createMemorySequences } from './sequence.ts'
import type { TallyhookEvent } from './types/events.ts'
import type { EventFilter } from './types/requests.ts'

export interface Checkpoint {
  /** Where to go on; undefined where there is none yet. */
  load(): Promise<string | undefined> | string | undefined
  /** All up to here was taken. Left out by who keeps it together with what the events led to. */
  save?(cursor: string): Promise<void> | void
}

export interface FollowOptions extends EventFilter {
  /** Where to begin without a checkpoint; by default with the oldest event that is there. */
  after?: string | undefined
  /** `poll` asks page by page, for networks that let no stream through. By default `stream`. */
  mode?: 'stream' | 'poll' | undefined
  checkpoint?: Checkpoint | undefined
  /** Told of events that are missing before one; it goes on when this returns. Without it `EventGap` is thrown. */
  onGap?: ((gap: Gap) => void | Promise<void>) | undefined
  /** The log does not go on from where the reader stood. `begin` goes on from `loss.begin`; by default it throws `EventsLost`. */
  onLost?: ((loss: Loss) => 'begin' | 'throw' | Promise<'begin' | 'throw'>) | undefined
  /** For the log: the connection ended and is made again. */
  onInterrupted?: ((interruption: Interruption) => void) | undefined
  /** The longest that nothing may come, heartbeats included: 45 s. */
  silenceMs?: number | undefined
  /** Of how many subjects the last number is remembered: 10,000. */
  subjectsMax?: number | undefined
  /** Of a page, in `poll`: 500, and 30 s of waiting for one. */
  limit?: number | undefined
  waitSeconds?: number | undefined
  /** Ends the list. */
  signal?: AbortSignal | undefined
  patience?: Patience | undefined
}

export interface Followed {
  event: TallyhookEvent
  /**
   * Where to go on after it. In `poll` a page has one place: all but its last event bear the place before the page, which
   * is missing in the first page of who began without one.
   */
  cursor: string | undefined
}

export interface Follower extends AsyncIterable<Followed> {
  /**
   * Compares what came with what was published. The first call marks where it counts from; later ones say of each partition
   * whether all of it came. Only without filters.
   */
  checkHead(): Promise<HeadReport>
}

/** What is used of a client. */
export interface FeedClient {
  events: EventCalls
}

/** Everything, or everything about one kind of thing: `tallyhook.transfer.*`. */
const wholeSubjects = /^(\*|tallyhook\.(\w+\.)?\*)$/

export function followEvents(client: FeedClient, options: FollowOptions = {}): Follower {
  const { checkpoint, onGap, signal, patience = systemPatience } = options
  const { types, account, subject } = options
  // Where some types of a subject are left out its numbers have gaps that mean nothing.
  const seesWholeSubjects = types?.every((type) => wholeSubjects.test(type)) ?? true
  const sequences = createMemorySequences(options.subjectsMax)
  const count = createHeadCount()

  const open = options.mode === 'poll' ? pollFrom : streamFrom

  function streamFrom(after: string | undefined, onRetry: (ms: number) => void): AsyncGenerator<Item> {
    const { silenceMs } = options
    return client.events.stream({ types, account, subject, after, silenceMs, onRetry, signal })
  }

  async function* pollFrom(start: string | undefined): AsyncGenerator<Item> {
    const { limit = 500, waitSeconds = 30 } = options
    for (let after = start; ; ) {
      const asked = { types, account, subject, after, limit, wait: waitSeconds }
      const { events, next } = await client.events.page(asked, { signal })
      const last = events.length - 1
      for (const [i, event] of events.entries()) yield { event, cursor: i === last ? next : after }
      if (last === -1) yield { cursor: next }
      after = next
    }
  }

  async function* follow(): AsyncGenerator<Followed> {
    const after = (await checkpoint?.load()) ?? options.after
    let saved = after
    const items = readOn({
      ...options,
      open,
      after,
      patience,
      onBeginAgain() {
        sequences.clear()
        count.clear()
      },
    })
    for await (const { event, cursor } of items) {
      if (event && (await isNew(event))) {
        yield { event, cursor }
        sequences.save(event.subject, { sequence: event.sequence, id: event.id })
        count.saw(event)
      }
      count.reached(cursor)
      if (cursor === undefined || cursor === saved) continue
      saved = cursor
      await checkpoint?.save?.(cursor)
    }
  }

  /** Throws where something is missing before it. */
  async function isNew(event: TallyhookEvent): Promise<boolean> {
    const order = compareOrder(sequences.load(event.subject), event, false)
    if (order.outcome === 'gap' && seesWholeSubjects) {
      if (!onGap) throw new EventGap(order.gap)
      await onGap(order.gap)
    }
    return order.outcome !== 'repeat'
  }

  return {
    [Symbol.asyncIterator]: follow,
    async checkHead() {
      if (types?.length || account !== undefined || subject !== undefined)
        throw new TypeError('A reader with a filter does not see all that the head counts.')
      return count.compare(await client.events.head({ signal }))
    },
  }
}
