/**
 * With `durability.replicas` a write counts only when that many replicas have it too. What holds:
 *   - WAIT goes out in the same pipeline as the jobs, so it runs on the connection, and in a cluster on the node, that
 *     wrote them. On any other connection Redis would count replicas for a write that it has not seen;
 *   - fewer replicas, an error or no answer reject the whole write. The jobs may be there all the same: the provider
 *     comes again, and a repeat changes nothing.
 * What does not: a replica that has the write in memory may not have it on its disk, and a failover may still choose
 * one that has it not (docs/redis.md). The client is the intake's alone, since every pipeline on it waits.
 */
import { AppError } from '../domain/errors.ts'
import type { RedisClient } from '../redis/client.ts'

export interface ReplicaConfirmation {
  replicas: number
  /** Shorter than the client's patience with one command, so that "too few" is an answer and not a lost one. */
  waitMs: number
}

type Results = [Error | null, unknown][] | null

export function confirmByReplicas(client: RedisClient, { replicas, waitMs }: ReplicaConfirmation): void {
  const begin = client.pipeline.bind(client)
  client.pipeline = (commands) => {
    const batch = begin(commands)
    const send = batch.exec.bind(batch)
    let sent = false
    batch.exec = async () => {
      // The client calls it again where a cluster redirects the whole batch, which ends with WAIT by then.
      if (sent) return send()
      sent = true
      batch.call('WAIT', replicas, waitMs)
      return checkLast(await send(), replicas)
    }
    return batch
  }
}

/** Takes WAIT's answer off, so that the caller sees the answers to what it asked. */
function checkLast(results: Results, replicas: number): Results {
  const [error, count] = results?.at(-1) ?? [new Error('The pipeline has no answer.'), 0]
  if (error) throw error
  if (Number(count) < replicas) {
    throw new AppError('not-durable-yet', {
      detail: `${Number(count)} of the ${replicas} replicas that are asked for confirmed the write in time.`,
    })
  }
  return results?.slice(0, -1) ?? null
}
