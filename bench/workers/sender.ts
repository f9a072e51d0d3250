/**
 * The limit and the peer, one of them as a process. The limit sends the same bodies over the same number of connections
 * and does nothing else. The peer is what a competent team would write: a job for each delivery with the event and the
 * URL in it, made in bulk from the log; a worker that signs by the standard's library and sends over connections that are
 * kept, tries again with a backoff, and lets go of what is done.
 */
import { once } from 'node:events'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Webhook } from 'standardwebhooks'
import { Agent, request } from 'undici'
import { tellCpu } from '../processes.ts'

export interface SenderOrder {
  kind: 'limit' | 'peer'
  redisUrl: string
  /** A stream of events as JSON, under their ids. */
  logKey: string
  urls: string[]
  /** Requests at once to each. */
  concurrency: number
  secret: string
}

/** fill: the jobs are made and wait. go: they are sent, and made before that where they are not. */
export type SenderRequest = 'fill' | 'go' | 'cpu'

interface LoggedEvent {
  id: string
  json: string
}

interface DeliveryJob {
  event: LoggedEvent
  url: string
}

const pageSize = 500
const contentType = 'application/cloudevents+json; charset=utf-8'

const [order] = (await once(process, 'message')) as [SenderOrder]
const { urls, concurrency, redisUrl, logKey } = order
const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
const dispatcher = new Agent({ connections: concurrency, pipelining: 1, keepAliveTimeout: 60_000 })

async function* readLog(): AsyncGenerator<LoggedEvent[]> {
  for (let after = '-'; ; ) {
    const entries = await connection.xrange(logKey, after, '+', 'COUNT', pageSize)
    if (entries.length === 0) return
    yield entries.map(([, fields]) => ({ id: fields[1] ?? '', json: fields[3] ?? '' }))
    after = `(${entries.at(-1)?.[0]}`
  }
}

async function post(url: string, { id, json }: LoggedEvent, headers: Record<string, string>): Promise<void> {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': contentType, 'webhook-id': id, ...headers },
    body: json,
    dispatcher,
  })
  await answer.body.dump()
  if (answer.statusCode >= 300) throw new Error(`It was answered ${answer.statusCode}.`)
}

async function createLimit() {
  const events: LoggedEvent[] = []
  for await (const page of readLog()) events.push(...page)
  return {
    async fill() {},
    async go() {
      const drives = urls.flatMap((url) => {
        const left = events.values()
        return Array.from({ length: concurrency }, async () => {
          for (const event of left) await post(url, event, {})
        })
      })
      await Promise.all(drives)
    },
  }
}

async function createPeer() {
  const prefix = 'peer'
  const queue = new Queue<DeliveryJob>('deliveries', { connection, prefix })
  await queue.obliterate({ force: true })
  const webhook = new Webhook(order.secret)
  const worker = new Worker<DeliveryJob>('deliveries', deliver, {
    connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
    prefix,
    concurrency: concurrency * urls.length,
    autorun: false,
  })
  const opts = {
    attempts: 10,
    backoff: { type: 'exponential', delay: 5_000, jitter: 0.2 },
    removeOnComplete: true,
    removeOnFail: 10_000,
  }
  let filled = false

  async function deliver({ data: { event, url } }: { data: DeliveryJob }): Promise<void> {
    const at = new Date()
    await post(url, event, {
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': webhook.sign(event.id, at, event.json),
    })
  }

  async function fill(): Promise<void> {
    for await (const page of readLog()) {
      const jobs = page.flatMap((event) =>
        urls.map((url) => ({ name: 'deliver', data: { event, url }, opts })),
      )
      await queue.addBulk(jobs)
    }
    filled = true
  }

  return {
    async fill() {
      await queue.pause()
      await fill()
    },
    async go() {
      if (!worker.isRunning()) void worker.run()
      if (filled) await queue.resume()
      else await fill()
      filled = false
    },
  }
}

const sender = order.kind === 'limit' ? await createLimit() : await createPeer()
process.on('message', (message: SenderRequest) => {
  if (message === 'cpu') return tellCpu()
  void sender[message]().then(() => process.send?.({ done: true }))
})
process.send?.({ ready: true })
