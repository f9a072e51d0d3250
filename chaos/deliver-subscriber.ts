/** A subscriber: a server of its own that verifies, notes and answers as its habit is. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { digestBody } from '../src/providers/digest.ts'
import { type Absence, decideReply, type Habit } from './deliver-plan.ts'
import type { Arrival } from './deliver-verdict.ts'
import { createMilestones } from './milestones.ts'

export interface SubscriberDeps {
  habit: Habit
  seed: string
  absences: readonly Absence[]
  /** One more was taken. */
  onTaken(): void
}

export type Subscriber = Awaited<ReturnType<typeof startSubscriber>>

export async function startSubscriber({ habit, seed, absences, onTaken }: SubscriberDeps) {
  const arrivals: Arrival[] = []
  const arrivalsOf = new Map<string, number>()
  const taken = new Set<string>()
  const own = createMilestones()
  let tick = 0
  let webhook: Webhook | undefined

  async function receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const id = String(req.headers['webhook-id'])
    const arrival: Arrival = {
      id,
      digest: digestBody(body),
      genuine: isGenuine(webhook, body, req.headers),
      arrived: ++tick,
    }
    arrivals.push(arrival)
    const count = (arrivalsOf.get(id) ?? 0) + 1
    arrivalsOf.set(id, count)
    await reply(arrival, count, res)
  }

  async function reply(arrival: Arrival, count: number, res: ServerResponse): Promise<void> {
    const wanted = decideReply(habit, seed, arrival.id, count)
    if (wanted.kind === 'hang') return
    if (wanted.kind === 'reset') return void res.destroy()
    if (wanted.kind === 'refuse') {
      const after = wanted.retryAfterSeconds
      res.writeHead(wanted.status, after === undefined ? {} : { 'retry-after': String(after) })
      return void res.end('not now')
    }
    if (wanted.afterMs > 0) await sleep(wanted.afterMs)
    // Whoever does not wait for the answer has to come again.
    if (res.destroyed) return
    arrival.taken = ++tick
    taken.add(arrival.id)
    own.add()
    onTaken()
    res.writeHead(204).end()
  }

  const open = (port: number) => listen((req, res) => void receive(req, res).catch(() => res.destroy()), port)
  let server = await open(0)
  const { port } = server.address() as AddressInfo
  let closed = false

  async function stayAway(): Promise<void> {
    for (const { afterTaken, forMs } of absences) {
      await own.more(afterTaken - own.count)
      if (closed) return
      await close(server)
      await sleep(forMs)
      if (closed) return
      server = await open(port)
    }
  }

  return {
    habit,
    url: `http://127.0.0.1:${port}/${habit}`,
    arrivals,
    taken,
    /** As it was given with the subscription; what comes before that is not verified. */
    verifyWith(secret: string): void {
      webhook = new Webhook(secret)
      void stayAway()
    },
    async close(): Promise<void> {
      closed = true
      await close(server)
    },
  }
}

function isGenuine(webhook: Webhook | undefined, body: Buffer, headers: IncomingMessage['headers']): boolean {
  try {
    webhook?.verify(body, headers as Record<string, string>)
    return webhook !== undefined
  } catch {
    return false
  }
}

async function listen(
  handle: (req: IncomingMessage, res: ServerResponse) => void,
  port: number,
): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handle).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** With every connection that it has, as a machine that is gone. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
