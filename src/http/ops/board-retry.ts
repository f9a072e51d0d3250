/**
 * Bull Board's retry buttons. Its own would put a job back with the attempts that it has used, and many at once in no order;
 * here they begin a replay like any other, and are answered as its page expects.
 */
import type { Queue } from 'bullmq'
import { callbackQueueName } from '../../queue/catalogue.ts'
import type { CallbackReplays } from '../../workers/replay/replays.ts'

export interface BoardRetryDeps {
  queues: readonly Queue[]
  callbackReplays: Pick<CallbackReplays, 'begin'>
}

export interface BoardAnswer {
  status: number
  body?: unknown
}

/** Undefined where it is about another queue, whose jobs Bull Board retries itself. */
export type RetryOnBoard = (path: string, by: string) => Promise<BoardAnswer | undefined>

const base = `/api/queues/${callbackQueueName}/`
const allFailed = `${base}retry/failed`

export function createBoardRetry({ queues, callbackReplays }: BoardRetryDeps): RetryOnBoard {
  const queue = queues.find(({ name }) => name === callbackQueueName)

  async function retryAll(by: string): Promise<BoardAnswer> {
    const failed = (await queue?.getFailedCount()) ?? 0
    const { replay } = await callbackReplays.begin({
      query: {},
      by,
      reason: 'All failed jobs were retried in Bull Board.',
    })
    return { status: 200, body: { retried: replay.count, skipped: Math.max(0, failed - replay.count) } }
  }

  async function retryOne(job: string, by: string): Promise<BoardAnswer> {
    const query = { from: ['failed' as const], ids: [job] }
    const { replay } = await callbackReplays.begin({
      query,
      by,
      reason: 'The job was retried in Bull Board.',
    })
    if (replay.count > 0) return { status: 204 }
    const state = (await queue?.getJobState(job)) ?? 'unknown'
    return { status: 400, body: { error: { key: 'ERRORS.JOB_NOT_RETRIABLE', options: { state } } } }
  }

  return async (path, by) => {
    if (path === allFailed) return retryAll(by)
    const job = path.startsWith(base) ? path.slice(base.length, path.lastIndexOf('/')) : ''
    return job === '' ? undefined : retryOne(job, by)
  }
}
