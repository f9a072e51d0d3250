/** Everything that the queue holds, in whatever state, as digests of the bodies themselves: opened, and not as noted. */
import { type JobType, Queue } from 'bullmq'
import { queuePrefix } from '../src/compose/base.ts'
import { digestBody } from '../src/providers/digest.ts'
import { callbackQueueName } from '../src/queue/catalogue.ts'
import { createConnect } from '../src/queue/connections.ts'
import { readCallbackJob, type Sealer, takeReceipts } from '../src/queue/job-data.ts'

const states: JobType[] = [
  'waiting',
  'active',
  'delayed',
  'prioritized',
  'waiting-children',
  'completed',
  'failed',
]
const pageSize = 500

export async function readQueue(redisUrl: string, open: Sealer['open']): Promise<string[]> {
  const connection = createConnect({ kind: 'url', url: redisUrl })('wait', 'chaos')
  const queue = new Queue(callbackQueueName, { connection, prefix: queuePrefix })
  try {
    const digests: string[] = []
    for (const state of states) {
      for (let from = 0; ; from += pageSize) {
        const jobs = await queue.getJobs([state], from, from + pageSize - 1, true)
        for (const { id, data } of jobs) digests.push(...digestsOf(id ?? '', data, open))
        if (jobs.length < pageSize) break
      }
    }
    return digests
  } finally {
    await queue.close()
    connection.disconnect()
  }
}

function digestsOf(jobId: string, data: unknown, open: Sealer['open']): string[] {
  return takeReceipts(jobId, readCallbackJob(data), open).map((receipt) => {
    const body = 'opened' in receipt ? receipt.opened : open(receipt.body, `receipt:${receipt.id}`)
    const digest = digestBody(body)
    if (digest !== receipt.digest) throw new Error(`Receipt ${receipt.id} holds another body than it says.`)
    return digest
  })
}
