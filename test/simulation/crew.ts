/** Everybody who is at work: each a process of its own, one step at a time, until they are done or it ends. */
import type { Fate } from './plan.ts'
import type { Parts } from './stage.ts'
import type { Actor, Turnstile } from './turnstile.ts'

export interface Crew {
  /** Passed over where too many are at work. */
  start(name: string, work: (parts: Parts, actor: Actor) => Promise<void>): void
  pass(index: number, fate: Fate): Promise<void>
  /** Everybody finishes what they are at. */
  drain(): Promise<void>
  /** Everybody has come as far as they can by themselves. */
  settled(): Promise<void>
  /** Something that is no trouble with Redis. */
  fail(error: unknown): void
  count(): { steps: number; deaths: number }
}

export interface CrewDeps {
  turnstile: Turnstile
  partsFor(actor: Actor): Parts
  died(actor: Actor): void
}

const actorsMax = 5

export function createCrew({ turnstile, partsFor, died }: CrewDeps): Crew {
  const busy = new Set<Actor>()
  let broken: unknown
  let steps = 0
  let deaths = 0

  function fail(error: unknown): void {
    // Trouble with Redis is what faults are; anything else is a mistake.
    if (!isTrouble(error)) broken ??= error
  }

  const crew: Crew = {
    fail,
    start(name, work) {
      if (busy.size >= actorsMax) return
      const actor: Actor = { name, dead: false }
      busy.add(actor)
      work(partsFor(actor), actor).then(
        () => busy.delete(actor),
        (error: unknown) => {
          busy.delete(actor)
          fail(error)
        },
      )
    },
    async pass(index, fate) {
      if (turnstile.waiting() === 0) return
      steps++
      const victim = await turnstile.pass(index, fate)
      if (!victim) return
      deaths++
      busy.delete(victim)
      died(victim)
    },
    async drain() {
      await crew.settled()
      while (turnstile.waiting() > 0) {
        await crew.pass(0, 'ok')
        await crew.settled()
      }
      if (busy.size > 0) throw new Error(`${[...busy].map(({ name }) => name)} waits for nothing.`)
    },
    async settled() {
      await new Promise((resolve) => setImmediate(resolve))
      if (broken) throw broken
    },
    count: () => ({ steps, deaths }),
  }
  return crew
}

/** What a process may meet of Redis, and of others who are quicker. */
export function isTrouble(error: unknown): boolean {
  return (
    error instanceof Error &&
    /Connection is closed|Redis does not answer|commit-contended/.test(error.message)
  )
}
