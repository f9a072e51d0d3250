/**
 * A service that is pushed to, on this machine: it keeps what it took, in order, checks each signature, and answers as the
 * test wants, each request differently if need be.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { Webhook } from 'standardwebhooks'

export interface Got {
  id: string
  /** How many requests came before it. */
  index: number
  subject: string
  sequence: number
  type: string
  headers: Record<string, string>
  body: string
  /** Its signature is right by every secret that the subscriber knows. */
  genuine: boolean
}

/** Answers in any way whatever, or not at all. */
export type Behaviour = (got: Got, res: ServerResponse, req: IncomingMessage) => unknown

export interface SubscriberOptions {
  secrets?: readonly string[]
  behaviour?: Behaviour
  tls?: ServerOptions
  port?: number
}

export interface Subscriber {
  url: string
  port: number
  /** Every request, in the order in which they came. */
  got: Got[]
  /** Those that were answered 2xx. */
  taken: Got[]
  /** How many there were, and how many there are. */
  connections: number
  open(): number
  behave(behaviour: Behaviour): void
  /** By subject, the sequences that were taken; a repeat stands there again. */
  sequences(): Map<string, number[]>
  /** How many were taken more than once. */
  repeats(): number
  /** Ends all connections; the next ones are served. */
  hangUp(): void
  stop(): Promise<void>
}

export const take: Behaviour = (_, res) => void res.writeHead(204).end()

export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Behaviour =>
  (_, res) =>
    void res.writeHead(status, headers).end(body)

export const hang: Behaviour = () => {}

/** `first`, each once, and then `rest`. */
export const oneByOne = (first: readonly Behaviour[], rest: Behaviour = take): Behaviour => {
  const left = [...first]
  return (got, res, req) => (left.shift() ?? rest)(got, res, req)
}

export async function startSubscriber(options: SubscriberOptions = {}): Promise<Subscriber> {
  const webhooks = (options.secrets ?? []).map((secret) => new Webhook(secret))
  const sockets = new Set<Socket>()
  const listener = async (req: IncomingMessage, res: ServerResponse) => {
    const body = await readBody(req)
    if (body === undefined) return
    const got = toGot(req, body, subscriber.got.length, webhooks)
    subscriber.got.push(got)
    res.on('finish', () => {
      if (res.statusCode >= 200 && res.statusCode < 300) subscriber.taken.push(got)
    })
    await behaviour(got, res, req)
  }
  const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
  server.on('connection', (socket: Socket) => {
    subscriber.connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  await once(server.listen(options.port ?? 0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo

  let behaviour = options.behaviour ?? take
  const subscriber: Subscriber = {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/events`,
    port,
    got: [],
    taken: [],
    connections: 0,
    open: () => sockets.size,
    behave(next) {
      behaviour = next
    },
    sequences: () => sequencesOf(subscriber.taken),
    repeats: () => subscriber.taken.length - new Set(subscriber.taken.map(({ id }) => id)).size,
    hangUp() {
      for (const socket of sockets) socket.destroy()
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  return subscriber
}

/** Undefined where the sender went away. */
async function readBody(req: IncomingMessage): Promise<string | undefined> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  } catch {
    return undefined
  }
}

function toGot(req: IncomingMessage, body: string, index: number, webhooks: readonly Webhook[]): Got {
  const headers = req.headers as Record<string, string>
  const event = readEvent(body)
  return {
    id: headers['webhook-id'] ?? '',
    index,
    subject: String(event.subject ?? ''),
    sequence: Number(event.sequence ?? 0),
    type: String(event.type ?? ''),
    headers,
    body,
    genuine: webhooks.every((webhook) => isGenuine(webhook, body, headers)),
  }
}

function readEvent(body: string): Record<string, unknown> {
  try {
    const event: unknown = JSON.parse(body)
    return typeof event === 'object' && event !== null ? { ...event } : {}
  } catch {
    return {}
  }
}

function isGenuine(webhook: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(body, headers, { jsonParse: false })
    return true
  } catch {
    return false
  }
}

function sequencesOf(taken: readonly Got[]): Map<string, number[]> {
  const bySubject = new Map<string, number[]>()
  for (const { subject, sequence } of taken) {
    const known = bySubject.get(subject)
    if (known) known.push(sequence)
    else bySubject.set(subject, [sequence])
  }
  return bySubject
}
