/**
 * What a worker has in hand it has read already, and may write as it was. BullMQ's lock on a job says so: it is renewed
 * while the worker lives and gone soon after it died, when the job is read anew.
 */
import type { RedisClient } from '../redis/client.ts'

/** Where a queue's jobs rest; BullMQ names its own keys. */
export interface QueueKeys {
  jobsPattern: string
  /** The list of the jobs that workers have taken. */
  active: string
  /** The set of those that failed for good. */
  failed: string
  lockOf(jobId: string): string
}

export interface InHand {
  /** The jobs that workers hold now. */
  now(): Promise<string[]>
  /** Those of them that they still hold. */
  still(jobs: readonly string[]): Promise<string[]>
}

/** `prefix` and `name` as the queue was given them. */
export function queueKeysOf(prefix: string, name: string): QueueKeys {
  const key = (rest: string) => `${prefix}:${name}:${rest}`
  return {
    jobsPattern: key('*'),
    active: key('active'),
    failed: key('failed'),
    lockOf: (id) => `${key(id)}:lock`,
  }
}

export function createInHand(redis: RedisClient, queues: readonly QueueKeys[]): InHand {
  async function still(jobs: readonly string[]): Promise<string[]> {
    const held = await Promise.all(
      jobs.map(async (id) => {
        const locks = await Promise.all(queues.map(({ lockOf }) => redis.exists(lockOf(id))))
        return locks.includes(1)
      }),
    )
    return jobs.filter((_, i) => held[i])
  }

  return {
    still,
    async now() {
      const active = await Promise.all(queues.map((queue) => redis.lrange(queue.active, 0, -1)))
      return still(active.flat())
    },
  }
}
