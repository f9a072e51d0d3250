/**
 * The handler that a competent team would write: a JSON document for each payout, changed under WATCH; the provider's own
 * id as the key of idempotency; the event in the same MULTI. It waits for Redis twice a callback, as seldom as this way allows.
 */
import { Redis } from 'ioredis'
import type { WorkerOrder } from '../reconcile.ts'
import { peerKeyOf } from '../store.ts'

export interface PeerJob {
  headers: Record<string, string>
  body: string
  at: number
}

interface PeerCallback {
  event: string
  data: { id: string; merchant_transaction_id: string; amount: string; status: string; updated_at: string }
}

const finalStatuses = new Set(['succeeded', 'failed', 'returned'])
const statuses: Record<string, string> = { success: 'succeeded', fail: 'failed', pending: 'processing' }
const rememberedSeconds = 35 * 24 * 60 * 60
const attemptsMax = 16

export function createPeer(order: WorkerOrder): (job: PeerJob) => Promise<void> {
  // WATCH belongs to a connection, so each handler under way has one.
  const free = Array.from(
    { length: order.concurrency },
    () => new Redis({ path: order.socketPath, maxRetriesPerRequest: null }),
  )

  return async (job) => {
    const connection = free.pop()
    if (!connection) throw new Error('There are more handlers than connections.')
    try {
      const callback = JSON.parse(job.body) as PeerCallback
      for (let attempt = 1; attempt <= attemptsMax; attempt++) if (await apply(connection, callback)) return
      throw new Error('It is changed too quickly.')
    } finally {
      free.push(connection)
    }
  }
}

/** False where somebody else changed it meanwhile. */
async function apply(redis: Redis, { event, data }: PeerCallback): Promise<boolean> {
  if (event !== 'disbursement.completed') throw new Error(`The event ${event} is not known.`)
  const key = peerKeyOf(data.merchant_transaction_id)
  const seenKey = `seen:${data.id}`
  const read = await redis.pipeline().watch(key, seenKey).get(key).exists(seenKey).exec()
  const [text, seen] = [read?.[1]?.[1] as string | null, read?.[2]?.[1] as number]
  if (text === null) throw new Error('There is no such payout.')
  const payout = JSON.parse(text) as Record<string, string>
  const status = statuses[data.status.toLowerCase()]
  if (!status) throw new Error('The status is not known.')
  if (seen || finalStatuses.has(payout.status ?? '')) {
    await redis.unwatch()
    return true
  }
  if (payout.amount !== data.amount) throw new Error('The amount is another.')
  const updatedAt = new Date().toISOString()
  const after = JSON.stringify({ ...payout, status, providerReference: data.id, updatedAt })
  const written = await redis
    .multi()
    .set(key, after)
    .set(seenKey, '1', 'EX', rememberedSeconds)
    .xadd(
      'payout-events',
      '*',
      'event',
      JSON.stringify({ type: `payout.${status}`, at: updatedAt, payout: after }),
    )
    .exec()
  return written !== null
}
