/**
 * Commands that go out together and come back together: one round trip, and with them one fsync. Each fails by itself.
 * A cluster refuses a pipeline over several nodes; there they are sent one by one, and answered as they come.
 */
import { isCluster, type RedisClient } from '../redis/client.ts'

export type Command = [name: string, ...args: (string | number)[]]

type Send = (...args: (string | number)[]) => Promise<unknown>

export async function runTogether(
  redis: RedisClient,
  commands: readonly Command[],
): Promise<(unknown | Error)[]> {
  if (commands.length === 0) return []
  if (isCluster(redis) || commands.length === 1) {
    const methods = redis as unknown as Record<string, Send>
    const sent = await Promise.allSettled(
      commands.map(([name, ...args]) => (methods[name] as Send).apply(redis, args)),
    )
    return sent.map((one) => (one.status === 'fulfilled' ? one.value : toError(one.reason)))
  }
  const answers = await redis.pipeline(commands as Command[]).exec()
  return commands.map((_, i) => {
    const [error, value] = answers?.[i] ?? [new Error('The pipeline has no answer.'), undefined]
    return error ?? value
  })
}

/** Keys that one script reads at once, which holds up everybody else for well under a millisecond. */
export const readAtOnceMax = 64

/**
 * Splits what one script is to do at once: a cluster's scripts keep to one hash tag, and a long one holds up everybody else. Says
 * the places of each part.
 */
export function splitForScripts(redis: RedisClient, names: readonly string[], max: number): number[][] {
  const parts: number[][] = []
  const open = new Map<string, number[]>()
  for (const [i, name] of names.entries()) {
    const tag = isCluster(redis) ? name.slice(0, name.indexOf('}')) : ''
    const part = open.get(tag)
    if (part && part.length < max) {
      part.push(i)
      continue
    }
    const next = [i]
    parts.push(next)
    open.set(tag, next)
  }
  return parts
}

/** For readings, of which none is of use without the others. */
export async function readTogether(redis: RedisClient, commands: readonly Command[]): Promise<unknown[]> {
  const answers = await runTogether(redis, commands)
  const failed = answers.find((one) => one instanceof Error)
  if (failed) throw failed
  return answers
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
