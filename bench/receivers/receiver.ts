/** One receiver as a process: its kind, Redis's socket and the provider's public key are its arguments. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Queue } from 'bullmq'
import express from 'express'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { createIdMaker } from '../../src/domain/ids.ts'
import { createFailureLimiter } from '../../src/http/callbacks/failure-limiter.ts'
import { createCallbackHandler } from '../../src/http/callbacks/handler.ts'
import { createIntake } from '../../src/http/callbacks/intake.ts'
import { createRoom } from '../../src/http/callbacks/room.ts'
import { createCallbackServer } from '../../src/http/callbacks/server.ts'
import { createSourceOf, createSourceRule } from '../../src/http/callbacks/source.ts'
import { createConnect } from '../../src/queue/connections.ts'
import { createCallbackProducer } from '../../src/queue/producer.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createRandomPool } from '../../src/seal/random-pool.ts'
import { createKeyUsage } from '../../src/store/key-usage.ts'
import { createKeys } from '../../src/store/keys.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import type { ReceiverOrder } from '../intake.ts'
import { tellCpu } from '../processes.ts'
import { benchAccount, benchPath, schemes } from '../schemes.ts'

const [order] = (await once(process, 'message')) as [ReceiverOrder]
const { kind, socketPath } = order
const provider = schemes[order.scheme].createProvider(order.keys)

/** The same verification for everybody. */
function isGenuine(headers: IncomingMessage['headers'], body: Buffer): boolean {
  const header = (name: string) => headers[name] as string | undefined
  const answer = provider.verify({ path: benchPath, header, body, now: Date.now() })
  return !(answer instanceof Promise) && answer.outcome === 'authentic'
}

/** What a team stores: the headers and the body, to be worked on later. */
const peerJob = (headers: IncomingMessage['headers'], body: Buffer) => ({
  headers,
  body: body.toString('base64'),
  at: Date.now(),
})

function openQueue(): Queue {
  return new Queue('bench', { connection: new Redis({ path: socketPath, maxRetriesPerRequest: null }) })
}

function createLimit(verifies: boolean): Server {
  return createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks)
      res.statusCode = !verifies || isGenuine(req.headers, body) ? 200 : 401
      res.setHeader('content-type', 'application/json')
      res.end('{"status":true}')
    })
  })
}

function createExpressPeer(): Server {
  const queue = openQueue()
  const app = express()
  app.post('/callbacks/:account', express.raw({ type: () => true, limit: '256kb' }), async (req, res) => {
    if (!isGenuine(req.headers, req.body as Buffer)) return void res.status(401).json({ status: false })
    await queue.add('callback', peerJob(req.headers, req.body as Buffer), {
      removeOnComplete: true,
      attempts: 5,
    })
    res.json({ status: true })
  })
  return createServer(app)
}

async function createFastifyPeer(): Promise<Server> {
  const queue = openQueue()
  const app = Fastify({ bodyLimit: 256 * 1024 })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_req, body, done) => done(null, body))
  app.post('/callbacks/:account', async (req, reply) => {
    if (!isGenuine(req.headers, req.body as Buffer)) return reply.code(401).send({ status: false })
    await queue.add('callback', peerJob(req.headers, req.body as Buffer), {
      removeOnComplete: true,
      attempts: 5,
    })
    return { status: true }
  })
  await app.ready()
  return app.server
}

/** As compose.ts builds it, with the log at the level that a busy site runs at. */
async function createOurs({ inExpress = false, logs = false }): Promise<Server> {
  const connection = createConnect({ kind: 'socket', path: socketPath })('fail-fast', 'bench')
  await connection.connect()
  const queue = new Queue('bench', { connection, prefix: '{bench}' })
  const ids = createIdMaker(Date.now, createRandomPool())
  const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(randomBytes(32)) }])
  const producer = createCallbackProducer({
    addJobs: (jobs) => {
      const [only] = jobs
      return jobs.length === 1 && only ? queue.add(only.name, only.data, only.opts) : queue.addBulk(jobs)
    },
    seal: keyring.seal,
    ids,
    inFlightMax: 4096,
    inFlightBytesMax: 64 * 1024 * 1024,
    writeMsMax: 5_000,
  })
  const handler = createCallbackHandler({
    providers: new Map([[benchAccount, provider]]),
    intake: createIntake({
      unavailable: () => undefined,
      enqueue: producer.enqueue,
      ids,
    }),
    limiter: createFailureLimiter(Date.now),
    sourceOf: createSourceOf(0),
    isSourceAllowed: createSourceRule(new Map()),
    quarantine: () => {},
    askForQuery: () => {},
    room: createRoom(64 * 1024 * 1024),
    usage: createKeyUsage({
      redis: connection,
      scripts: loadScripts(connection),
      keys: createKeys('bench', 1),
    }),
    underWayMax: 2048,
    senderMsMax: 8_000,
    clock: Date.now,
    logger: createLogger({ level: logs ? 'info' : 'warn', format: 'json' }),
  })
  if (!inExpress) return createCallbackServer(handler)
  const app = express()
  app.use('/callbacks', handler.middleware)
  return createServer(app)
}

async function create(): Promise<Server> {
  switch (kind) {
    case 'limit':
      return createLimit(false)
    case 'limit-verify':
      return createLimit(true)
    case 'express-peer':
      return createExpressPeer()
    case 'fastify-peer':
      return createFastifyPeer()
    case 'ours-express':
      return createOurs({ inExpress: true })
    case 'ours-server':
      return createOurs({})
    case 'ours-logging':
      return createOurs({ logs: true })
  }
}

const server = await create()
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', tellCpu)
