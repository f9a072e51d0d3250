/**
 * Lets one command, or one pipeline, of one process through at a time, in the order that the plan says. So each history
 * of many processes is one line of steps, the same whenever it is played; and between any two steps a process may end.
 */

import type { RedisClient } from '../../src/redis/client.ts'
import type { Command } from '../../src/store/together.ts'
import type { Fate } from './plan.ts'

/** What took effect of one step, in the order of its commands. */
export type Effect = (commands: readonly Command[], answers: readonly unknown[]) => Promise<void>

export interface Actor {
  name: string
  dead: boolean
}

interface Waiting {
  actor: Actor
  run(fate: Fate): Promise<void>
}

export interface Turnstile {
  /** A client for one call of one process. */
  client(actor: Actor, effect?: Effect): RedisClient
  /** A step that is not Redis's, as a call to a provider. Of one who does not survive it nobody sees the result. */
  step<Result>(actor: Actor, act: (fate: Fate) => Result): Promise<Result>
  waiting(): number
  /** One of those that wait goes on. Says whose it was, where it did not survive. */
  pass(index: number, fate: Fate): Promise<Actor | undefined>
}

const lost = () => new Error('Connection is closed.')

export function createTurnstile(redis: RedisClient): Turnstile {
  const queue: Waiting[] = []
  const real = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>

  /** What Redis is really told, and the answers. */
  async function send(commands: readonly Command[]): Promise<unknown[]> {
    const [first, ...more] = commands
    if (!first) return []
    const [name, ...args] = first
    if (more.length === 0) return [await real[name]?.apply(redis, args)]
    const answers = await redis.pipeline(commands as Command[]).exec()
    return (answers ?? []).map(([error, answer]) => {
      if (error) throw error
      return answer
    })
  }

  function wait(actor: Actor, commands: readonly Command[], effect: Effect | undefined): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const run = async (fate: Fate) => {
        const count = countOf(fate, commands.length)
        const answers = await send(commands.slice(0, count))
        if (count > 0) await effect?.(commands.slice(0, count), answers)
        if (fate === 'ok') resolve(answers)
        else if (fate.startsWith('die')) actor.dead = true
        else reject(lost())
      }
      queue.push({ actor, run })
    })
  }

  return {
    client(actor, effect) {
      const pipeline = (commands: readonly Command[]) => ({
        exec: () =>
          wait(actor, commands, effect).then(
            (answers) => answers.map((answer) => [null, answer]),
            (error: Error) => commands.map(() => [error, null]),
          ),
      })
      return new Proxy({} as RedisClient, {
        get(_, name) {
          if (name === 'isCluster') return false
          if (name === 'pipeline') return pipeline
          if (name === 'defineCommand') return () => {}
          if (typeof name !== 'string' || name === 'then') return undefined
          return (...args: (string | number)[]) =>
            wait(actor, [[name, ...args]], effect).then(([answer]) => answer)
        },
      })
    },
    step: (actor, act) =>
      new Promise((resolve, reject) => {
        const run = async (fate: Fate) => {
          try {
            const result = act(fate)
            if (fate.startsWith('die')) actor.dead = true
            else resolve(result)
          } catch (error) {
            reject(error)
          }
        }
        queue.push({ actor, run })
      }),
    waiting: () => queue.length,
    async pass(index, fate) {
      const [one] = queue.splice(index % queue.length, 1)
      if (!one) return undefined
      await one.run(fate)
      if (!one.actor.dead) return undefined
      // What else it had under way ends with it.
      for (let i = queue.length - 1; i >= 0; i--) if (queue[i]?.actor === one.actor) queue.splice(i, 1)
      return one.actor
    },
  }
}

function countOf(fate: Fate, commands: number): number {
  if (fate === 'die-before' || fate === 'fault-before') return 0
  return fate === 'cut' ? Math.floor(commands / 2) : commands
}
