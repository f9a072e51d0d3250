/**
 * Asks for turns. While one of a run is under way in this process, that there is more is only noted, and it is followed by
 * the next: adding its job meanwhile would do nothing.
 */
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import { comparePositions } from '../../events/position.ts'
import { type TurnDraft, turnIdOf, turnJob } from '../../queue/catalogue.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface TurnPlace {
  run: RunId
  subscription: SubscriptionId
  partition: number
}

export interface TurnJobs {
  /** Those that come together are added together. What cannot be added is found by a sweep. */
  ask(place: TurnPlace, position?: string): void
  /** A turn of this process begins, and has ended: its job is gone. */
  begun(place: TurnPlace): void
  ended(jobId: string): void
  /** It is to be followed by another. */
  again(place: TurnPlace): void
  /** It has seen the log up to here. */
  reached(place: TurnPlace, position: string): void
  stop(): Promise<void>
}

export interface TurnJobsDeps {
  addJobs(jobs: TurnDraft[]): Promise<unknown>
  clock: () => number
  logger: Logger
}

interface Begun {
  place: TurnPlace
  /** Or what of the log it is asked for. */
  again: boolean | string
  at: number
}

/** Longer than a turn. One whose end was not heard of must not hold up its run. */
const begunMsMax = 60_000

export function createTurnJobs({ addJobs, clock, logger }: TurnJobsDeps): TurnJobs {
  const under = new Map<string, Begun>()
  let asked = new Map<string, TurnPlace>()
  let adding: Promise<void> | undefined
  let stopped = false

  async function add(): Promise<void> {
    // Those that are asked for in the same moment go together.
    await new Promise((resolve) => setImmediate(resolve))
    while (asked.size > 0 && !stopped) {
      const places = [...asked.values()]
      asked = new Map()
      const jobs = places.map(({ run, subscription, partition }) => turnJob(run, subscription, partition))
      await addJobs(jobs).catch((error) => logger.warn('delivery.turns-not-added', { error }))
    }
  }

  function ask(place: TurnPlace, position?: string): void {
    if (stopped) return
    const id = turnIdOf(place.run, place.partition)
    const begun = under.get(id)
    if (begun && clock() - begun.at < begunMsMax) {
      begun.again = begun.again === true ? true : (position ?? true)
      return
    }
    asked.set(id, place)
    adding ??= add().finally(() => {
      adding = undefined
    })
  }

  return {
    ask,
    begun: (place) =>
      void under.set(turnIdOf(place.run, place.partition), { place, again: false, at: clock() }),
    again(place) {
      const begun = under.get(turnIdOf(place.run, place.partition))
      if (begun) begun.again = true
      else ask(place)
    },
    reached(place, position) {
      const begun = under.get(turnIdOf(place.run, place.partition))
      if (typeof begun?.again !== 'string') return
      if (comparePositions(begun.again, position) <= 0) begun.again = false
    },
    ended(jobId) {
      const begun = under.get(jobId)
      under.delete(jobId)
      if (begun?.again) ask(begun.place)
    },
    async stop() {
      stopped = true
      await adding
    },
  }
}
