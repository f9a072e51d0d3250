/**
 * What is new, in one order for all who read at the head of this process: what comes together is put together, oldest first,
 * and each event gets the cursor of a reader who has it and all before it. The first comes at once where it was
 * quiet; while it is busy what comes is gathered, for as long as handing it on takes ten times over.
 */
import { performance } from 'node:perf_hooks'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { comparePositions } from './position.ts'
import type { PublishedEvent } from './published.ts'
import type { Tail } from './tail.ts'

export interface Ordered {
  event: PublishedEvent
  /** Of who has this and all before it. */
  cursor: string
}

export interface HeadListener {
  onEvents(events: readonly Ordered[]): void
  /** The order is broken off: memory was thrown away. Nothing follows. */
  onLost(): void
}

export interface Following {
  /** Hands on at once what was gathered. Says where everybody stands who has it. */
  flush(): string
  end(): void
}

/** `from`: where a reader stands of whom it was just said that nothing is behind it. */
export type FollowHead = (from: string, listener: HeadListener) => Following

export interface HeadOrderDeps {
  log: Pick<Tail, 'subscribe' | 'partitions'>
  epoch: string
  now?: () => number
}

const gatherMsMax = 10
/** Handing on takes at most one part in so many of the time, as long as that is not too long to wait. */
const parts = 10
/** So many are handed on without waiting for others. */
const atOnceMax = 64

export function createHeadOrder({ log, epoch, now = () => performance.now() }: HeadOrderDeps): FollowHead {
  return (from, { onEvents, onLost }) => {
    const { positions } = decodeCursor(from, log.partitions)
    let cursor = from
    let gathered: PublishedEvent[] = []
    let timer: NodeJS.Timeout | undefined
    let soon: NodeJS.Immediate | undefined
    let nextAt = 0

    function flush(): string {
      clearTimeout(timer)
      clearImmediate(soon)
      timer = soon = undefined
      if (gathered.length === 0) return cursor
      const events = gathered
      gathered = []
      const startedAt = now()
      onEvents(inOrder(events).map(order))
      const endedAt = now()
      nextAt = endedAt + Math.min((endedAt - startedAt) * parts, gatherMsMax)
      return cursor
    }

    function order(event: PublishedEvent): Ordered {
      positions[event.partition] = event.position
      cursor = encodeCursor(positions, epoch)
      return { event, cursor }
    }

    const unsubscribe = log.subscribe({
      onEvents(_partition, events) {
        gathered.push(...events)
        if (gathered.length >= atOnceMax) return void flush()
        if (timer || soon) return
        const wait = nextAt - now()
        // Other partitions come with the same answer of Redis.
        if (wait <= 0) soon = setImmediate(flush)
        else timer = setTimeout(flush, wait)
      },
      onReset() {
        flush()
        end()
        onLost()
      },
    })

    function end(): void {
      unsubscribe()
      clearTimeout(timer)
      clearImmediate(soon)
    }
    return { flush, end }
  }
}

/** Within a partition the order is that in which they came: positions grow. */
function inOrder(events: PublishedEvent[]): PublishedEvent[] {
  return events.sort((a, b) => comparePositions(a.position, b.position))
}
