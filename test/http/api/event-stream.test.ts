import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Router } from 'express'
import type { Redis } from 'ioredis'
import { cloudEventSchema } from '../../../src/events/catalogue.ts'
import { decodeCursor, encodeCursor } from '../../../src/events/cursor.ts'
import { createReadHead, feedHeadSchema } from '../../../src/events/head.ts'
import { type StreamLimits, streamLimits } from '../../../src/http/api/event-stream.ts'
import { createEventRoutes } from '../../../src/http/api/events.ts'
import { createApiApp } from '../../support/api-app.ts'
import { type FollowedFeed, followFeed, testEpoch } from '../../support/feed.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients } from '../../support/redis.ts'
import { authenticate } from '../../support/small-api.ts'
import { createTestStore, registerIn, type TestStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { newReference } from '../../support/zenospay.ts'

interface Message {
  id?: string
  event?: string
  data?: string
}

describe('GET /v1/events/stream', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let followed: FollowedFeed
  let server: Server
  let stopping: AbortController
  let url: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    await serve()
  })
  afterEach(async () => {
    stopping.abort()
    server.closeAllConnections()
    server.close()
    await followed.stop()
  })
  after(() => clients.closeAll())

  async function serve(limits: Partial<StreamLimits> = {}): Promise<void> {
    stopping = new AbortController()
    followed = await followFeed(store, clients)
    const logger = createMemoryLogger()
    const routes = createEventRoutes({
      authenticate,
      feed: followed.feed,
      readHead: createReadHead({ log: store.log, epoch: testEpoch }),
      stopping: stopping.signal,
      clock: Date.now,
      logger,
      limits: { ...streamLimits, ...limits },
    })
    const redisState = () => ({ state: 'ok' as const })
    const app = createApiApp({
      routes: [routes],
      ops: Router(),
      authenticate,
      redisState,
      clock: Date.now,
      logger,
    })
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`
  }

  async function serveAgain(limits: Partial<StreamLimits>): Promise<void> {
    server.close()
    await followed.stop()
    await serve(limits)
  }

  async function publish(count: number): Promise<string[]> {
    const subjects: string[] = []
    for (let i = 0; i < count; i++) subjects.push((await registerIn(store, newReference())).id)
    return subjects
  }

  const headers = { authorization: 'Bearer other' }

  function call(path: string, more: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        url + path,
        { method, agent: false, headers: { ...headers, ...more } },
        resolve,
      )
      sent.on('error', reject).end()
    })
  }

  /** Collects what comes, as a browser reads it. */
  async function open(path = '/stream', more: Record<string, string> = {}) {
    const answer = await call(path, more)
    const stream = {
      answer,
      messages: [] as Message[],
      comments: 0,
      retry: undefined as string | undefined,
      ended: false,
      lastId: '',
      close: () => answer.destroy(),
      subjects: () =>
        stream.messages.map(({ data }) => (JSON.parse(data ?? '') as { subject: string }).subject),
    }
    let held = ''
    answer.setEncoding('utf8')
    answer.on('data', (text: string) => {
      held += text
      const blocks = held.split('\n\n')
      held = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    })
    answer.on('error', () => {})
    answer.on('close', () => {
      stream.ended = true
    })
    function take(block: string): void {
      const message: Message = {}
      for (const line of block.split('\n')) {
        const at = line.indexOf(':')
        const name = line.slice(0, at)
        const value = line.slice(at + 1).trim()
        if (name === '') stream.comments++
        else if (name === 'retry') stream.retry = value
        else message[name as keyof Message] = value
      }
      if (message.id !== undefined) stream.lastId = message.id
      if (message.data !== undefined) stream.messages.push(message)
    }
    return stream
  }

  const problemOf = async (answer: IncomingMessage) => {
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(part as Buffer)
    return JSON.parse(Buffer.concat(parts).toString()) as {
      code: string
      begin?: string
      errors?: { path: string }[]
    }
  }

  it('sends what is there and then what comes, each with its cursor, its type and the event', async () => {
    const before = await publish(3)
    const stream = await open()
    assert.equal(stream.answer.statusCode, 200)
    assert.equal(stream.answer.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(stream.answer.headers['cache-control'], 'no-store')
    assert.equal(stream.answer.headers['x-accel-buffering'], 'no')
    assert.equal(stream.answer.headers['content-encoding'], undefined)
    await until('what is there', () => stream.messages.length === 3)
    const after = await publish(3)
    await until('what comes', () => stream.messages.length === 6)
    assert.deepEqual([...stream.subjects()].sort(), [...before, ...after].sort())
    for (const { event, data, id } of stream.messages) {
      const parsed = cloudEventSchema.parse(JSON.parse(data ?? ''))
      assert.equal(event, parsed.type)
      assert.equal(decodeCursor(id ?? '', 4).epoch, testEpoch)
    }
    assert.equal(stream.retry, '2000')
    stream.close()
  })

  it('goes on from any message without a gap and without a repeat', async () => {
    await publish(20)
    const stream = await open()
    await until('all', () => stream.messages.length === 20)
    stream.close()
    const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id)
    for (const at of [0, 7, 18]) {
      const again = await open('/stream?after=which-the-header-goes-before', {
        'last-event-id': stream.messages[at]?.id ?? '',
      })
      await until('the rest', () => again.messages.length >= 19 - at)
      assert.deepEqual(idsOf(again.messages), idsOf(stream.messages.slice(at + 1)))
      again.close()
    }
    const end = await open(`/stream?after=${stream.lastId}`)
    const [subject] = await publish(1)
    await until('one more', () => end.messages.length > 0)
    assert.deepEqual(end.subjects(), [subject])
    end.close()
  })

  it('filters, and its heartbeats move the cursor past what was left out', async () => {
    await serveAgain({ heartbeatMs: 50 })
    const [subject = ''] = await publish(5)
    const none = await open('/stream?account=another')
    await until('heartbeats', () => none.comments >= 3 && none.lastId !== '')
    assert.deepEqual(none.messages, [])
    const ends = await store.log.newest()
    assert.deepEqual(decodeCursor(none.lastId, 4).positions, ends)
    none.close()
    const one = await open(`/stream?subject=${subject}&types=tallyhook.transfer.*`)
    await until('the event', () => one.messages.length === 1)
    assert.deepEqual(one.subjects(), [subject])
    one.close()
  })

  it('ends promptly when the process stops', async () => {
    const stream = await open()
    const startedAt = Date.now()
    stopping.abort()
    await until('the end', () => stream.ended)
    assert.ok(Date.now() - startedAt < 1_000)
  })

  it('outlives that Redis is away, and misses nothing of what comes after', async () => {
    const own = await clients.open()
    store = createTestStore(own)
    await serveAgain({})
    const stream = await open()
    const before = await publish(1)
    await until('the first', () => stream.messages.length === 1)
    own.disconnect()
    const signal = new AbortController().signal
    await until('Redis to be away', () =>
      followed.feed.read({ after: stream.lastId, limit: 1, waitMs: 0, signal }).then(
        () => false,
        () => true,
      ),
    )
    await own.connect()
    const after = await publish(3)
    await until('the others', () => stream.messages.length === 4)
    assert.deepEqual([...stream.subjects()].sort(), [...before, ...after].sort())
    stream.close()
  })

  it('answers HEAD with its headers alone', async () => {
    const answer = await call('/stream', {}, 'HEAD')
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8')
    answer.resume()
    await once(answer, 'end')
  })

  it('holds a reader that reads nothing, and not what it does not read; in the end it is cut off', async () => {
    await serveAgain({ drainMs: 2_000 })
    const sockets: { writableLength: number }[] = []
    server.on('request', (_req, res) => sockets.push(res))
    const event = await anEvent()
    const pipeline = redis.pipeline()
    for (let i = 0; i < 20_000; i++) pipeline.xadd(store.keys.events(i % 4), '*', 'e', event)
    await pipeline.exec()
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
    socket.write('GET /v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer other\r\n\r\n')
    socket.pause()
    let most = 0
    await until('the cut', () => {
      most = Math.max(most, ...sockets.map(({ writableLength }) => writableLength))
      return sockets.length > 0 && (sockets[0] as unknown as { destroyed: boolean }).destroyed
    })
    assert.ok(most < 1024 * 1024, `${most} bytes were held`)
    // Meanwhile others read on.
    const other = await open()
    await until('events', () => other.messages.length > 500)
    other.close()
    socket.destroy()
  })

  async function anEvent(): Promise<string> {
    const { id } = await registerIn(store, newReference())
    const [last] = await redis.xrevrange(store.keys.events(store.keys.partitionOf(id)), '+', '-', 'COUNT', 1)
    return last?.[1][1] ?? assert.fail('There is no event.')
  }

  describe('refuses', () => {
    it('a cursor that is none, before the stream begins', async () => {
      for (const [path, more, where] of [
        ['/stream?after=nonsense', {}, 'after'],
        ['/stream', { 'last-event-id': 'nonsense' }, 'Last-Event-ID'],
      ] as const) {
        const answer = await call(path, more)
        assert.equal(answer.statusCode, 422)
        const { code, errors } = await problemOf(answer)
        assert.deepEqual([code, errors?.[0]?.path], ['invalid-cursor', where])
      }
      assert.equal((await call('/stream?limit=5')).statusCode, 422)
      assert.equal((await call('/stream?types=nothing')).statusCode, 422)
    })

    it('one that the log does not go through, with where to begin; on a stream that runs, by its end', async () => {
      const [lost = ''] = await publish(6)
      const stream = await open()
      await until('all', () => stream.messages.length === 6)
      const partition = store.keys.partitionOf(lost as Parameters<typeof store.keys.partitionOf>[0])
      const [last] = await redis.xrevrange(store.keys.events(partition), '+', '-', 'COUNT', 1)
      await redis.xdel(store.keys.events(partition), last?.[0] ?? '')
      await until('the end', () => stream.ended)
      const answer = await call('/stream', { 'last-event-id': stream.lastId })
      assert.equal(answer.statusCode, 410)
      const problem = await problemOf(answer)
      assert.equal(problem.code, 'cursor-superseded')
      const again = await open(`/stream?after=${problem.begin}`)
      // The one that was lost may have been the only one of its partition.
      await publish(1)
      await until('what comes again', () => again.messages.length > 0)
      again.close()
    })

    it('more streams than there may be, until one ends', async () => {
      await serveAgain({ streams: 2 })
      const first = await open()
      const second = await open()
      const third = await call('/stream')
      assert.equal(third.statusCode, 503)
      assert.ok(third.headers['retry-after'])
      assert.equal((await problemOf(third)).code, 'too-many-in-flight')
      first.close()
      await until('room', async () => {
        const answer = await call('/stream')
        answer.destroy()
        return answer.statusCode === 200
      })
      second.close()
    })

    it('who may not read events', async () => {
      assert.equal((await call('/stream', { authorization: 'Bearer viewer' })).statusCode, 403)
      assert.equal((await call('/stream', { authorization: 'Bearer nobody' })).statusCode, 401)
    })
  })

  describe('GET /v1/events/head', () => {
    const readHead = async () => {
      const answer = await fetch(`${url}/head`, { headers })
      assert.equal(answer.status, 200)
      return feedHeadSchema.strict().parse(await answer.json())
    }

    it('counts every event of each partition and names the last, so that a reader sees that it has all', async () => {
      const empty = await readHead()
      assert.deepEqual(
        empty.partitions,
        [0, 1, 2, 3].map((partition) => ({ partition, count: 0, lastId: null, lastAt: null })),
      )
      await publish(25)
      const page = await (await fetch(`${url}?limit=1000`, { headers })).json()
      const { events, next } = page as {
        events: { id: string; partition: number; time: string }[]
        next: string
      }
      const head = await readHead()
      assert.equal(head.epoch, testEpoch)
      assert.equal(head.cursor, next)
      for (const { partition, count, lastId, lastAt } of head.partitions) {
        const own = events.filter((event) => event.partition === partition)
        assert.equal(count, own.length)
        assert.equal(lastId, own.at(-1)?.id ?? null)
        assert.equal(lastAt, own.at(-1)?.time ?? null)
      }
    })

    it('takes no parameter', async () => {
      assert.equal((await fetch(`${url}/head?partition=1`, { headers })).status, 422)
    })

    it('counts what has left the log as well', async () => {
      await publish(12)
      const before = await readHead()
      for (const { partition } of before.partitions)
        await redis.xtrim(store.keys.events(partition), 'MAXLEN', 1)
      assert.deepEqual((await readHead()).partitions, before.partitions)
    })
  })

  it('says in the problem details where to begin again', async () => {
    await publish(2)
    const wrong = encodeCursor(await store.log.newest(), 'mnopqrstuvwx')
    const answer = await fetch(`${url}?after=${wrong}`, { headers })
    assert.equal(answer.status, 410)
    const { begin, code } = (await answer.json()) as { begin: string; code: string }
    assert.equal(code, 'cursor-superseded')
    const page = (await (await fetch(`${url}?after=${begin}`, { headers })).json()) as { events: unknown[] }
    assert.equal(page.events.length, 2)
  })
})
