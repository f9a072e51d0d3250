/** How much waits on a queue, and for how long its oldest job has waited. */
import type { Queue } from 'bullmq'
import type { RedisClient } from '../redis/client.ts'

export const queueStates = ['wait', 'active', 'delayed', 'failed'] as const

export interface QueueFigures {
  queue: string
  jobs: Record<(typeof queueStates)[number], number>
  /** Since the job that is next was added; zero where none waits. */
  oldestMs: number
}

export async function readQueueFigures(queue: Queue, redis: RedisClient, now: number): Promise<QueueFigures> {
  const [counts, oldestMs] = await Promise.all([
    queue.getJobCounts(...queueStates),
    ageOfOldest(queue, redis, now),
  ])
  const jobs = Object.fromEntries(queueStates.map((state) => [state, counts[state] ?? 0]))
  return { queue: queue.name, jobs: jobs as QueueFigures['jobs'], oldestMs }
}

/** Its time alone: a job may hold as much as a megabyte. */
async function ageOfOldest(queue: Queue, redis: RedisClient, now: number): Promise<number> {
  const [next] = await redis.lrange(queue.toKey('wait'), -1, -1)
  if (next === undefined) return 0
  const addedAt = await redis.hget(queue.toKey(next), 'timestamp')
  return addedAt === null ? 0 : Math.max(0, now - Number(addedAt))
}
