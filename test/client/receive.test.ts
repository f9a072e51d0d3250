import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express, { type RequestHandler } from 'express'
import { Webhook } from 'standardwebhooks'
import {
  createMemorySeen,
  type ReceiveOptions,
  RetryLater,
  receiveDeliveries,
  type TallyhookEvent,
} from '../../src/client/index.ts'
import { newEvent } from '../support/client-events.ts'
import { until } from '../support/until.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`

describe('the middleware that takes deliveries', () => {
  let server: Server
  let handled: TallyhookEvent[]
  let noted: string[]
  beforeEach(() => {
    handled = []
    noted = []
  })
  afterEach(() => {
    server.close()
    server.closeAllConnections()
  })

  async function listen(options: Partial<ReceiveOptions> = {}, ...before: RequestHandler[]): Promise<string> {
    const app = express()
    for (const one of before) app.use(one)
    const receive = receiveDeliveries({
      secrets: [secret],
      handle: (event) => void handled.push(event),
      onRefused: (reason) => noted.push(reason),
      onFailed: (error) => noted.push(String(error)),
      ...options,
    })
    app.all('/hook', receive)
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  }

  function signed(event: unknown, by = secret, at = new Date()) {
    const body = JSON.stringify(event)
    const id = String(Object(event).id)
    return {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(by).sign(id, at, body),
      },
    }
  }
  const send = async (url: string, event: unknown, by?: string, at?: Date) =>
    fetch(url, signed(event, by, at))

  it('answers 204 once the event was dealt with, and not before', async () => {
    const order: string[] = []
    const url = await listen({
      async handle() {
        await new Promise((resolve) => setImmediate(resolve))
        order.push('handled')
      },
    })
    const answer = await send(url, newEvent('a', 1))
    order.push('answered')
    assert.equal(answer.status, 204)
    assert.deepEqual(order, ['handled', 'answered'])
  })

  it('works behind express.raw and beside a raw body that a host kept', async () => {
    const raw = express.raw({ type: () => true })
    assert.equal((await send(await listen({}, raw), newEvent('a', 1))).status, 204)
    server.close()
    const host: RequestHandler = (req, _res, next) => {
      Object.assign(req, { rawBody: req.body, body: JSON.parse(String(req.body)) })
      next()
    }
    assert.equal((await send(await listen({}, raw, host), newEvent('a', 2))).status, 204)
    assert.equal(handled.length, 2)
  })

  it('works without Express', async () => {
    server = createServer(receiveDeliveries({ secrets: secret, handle: (event) => void handled.push(event) }))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    assert.equal((await send(url, newEvent('a', 1))).status, 204)
    assert.equal(handled.length, 1)
  })

  it('asks for the secrets each time where they are a function', async () => {
    let secrets = [`whsec_${randomBytes(24).toString('base64')}`]
    const url = await listen({ secrets: async () => secrets })
    assert.equal((await send(url, newEvent('a', 1))).status, 401)
    secrets = [...secrets, secret]
    assert.equal((await send(url, newEvent('a', 1))).status, 204)
  })

  it('handles a repeat no second time, and one that failed again', async () => {
    let fails = true
    const url = await listen({
      seen: createMemorySeen(),
      handle(event) {
        if (fails) throw new Error('Not yet.')
        handled.push(event)
      },
    })
    const event = newEvent('a', 1)
    assert.equal((await send(url, event)).status, 500)
    fails = false
    for (let i = 0; i < 3; i++) assert.equal((await send(url, event)).status, 204)
    assert.equal(handled.length, 1)
  })

  it('handles two copies that arrive together once, and answers both alike', async () => {
    let verified = 0
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const url = await listen({
      secrets() {
        verified++
        return [secret]
      },
      handle(event) {
        handled.push(event)
        return released
      },
    })
    const all = [send(url, newEvent('a', 1)), send(url, newEvent('a', 1)), send(url, newEvent('b', 1))]
    await until('all three', () => verified === 3)
    setImmediate(release)
    for (const answer of await Promise.all(all)) assert.equal(answer.status, 204)
    assert.deepEqual(handled.map(({ id }) => id).sort(), ['ev-a-1', 'ev-b-1'])
  })

  it('answers 500 when it fails, without a word of why, and 503 with the time when it is to come later', async () => {
    const url = await listen({
      handle(event) {
        if (event.sequence === 1) throw new Error('password=hunter2')
        throw new RetryLater(90)
      },
    })
    const failed = await send(url, newEvent('a', 1))
    assert.equal(failed.status, 500)
    assert.deepEqual(await failed.json(), { code: 'not-handled' })
    const later = await send(url, newEvent('a', 2))
    assert.equal(later.status, 503)
    assert.equal(later.headers.get('retry-after'), '90')
    assert.equal(noted.length, 2)
  })

  it('keeps what `/test` sends from the handling', async () => {
    const tests: string[] = []
    const url = await listen({ onTest: ({ id }) => void tests.push(id) })
    const test = { ...newEvent('sub-1', 1), type: 'tallyhook.subscription.tested.v1', id: 'test-1' }
    assert.equal((await send(url, test)).status, 204)
    assert.deepEqual([tests, handled], [['test-1'], []])
  })

  describe('refuses', () => {
    it('what is not signed, or not by one of the secrets, or too long ago', async () => {
      const url = await listen()
      const event = newEvent('a', 1)
      assert.equal((await fetch(url, { method: 'POST', body: JSON.stringify(event) })).status, 400)
      const other = await send(url, event, `whsec_${randomBytes(32).toString('base64')}`)
      assert.equal(other.status, 401)
      assert.deepEqual(await other.json(), { code: 'no-signature-matches' })
      assert.equal((await send(url, event, secret, new Date(Date.now() - 600_000))).status, 401)
      assert.equal((await send(url, { id: 'x' })).status, 400)
      assert.deepEqual(noted, ['missing-header', 'no-signature-matches', 'too-old', 'not-an-event'])
      assert.equal(handled.length, 0)
    })

    it('other methods', async () => {
      const url = await listen()
      const answer = await fetch(url)
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.get('allow'), 'POST')
    })

    it('what is larger than the cap, said or not, and answers before all of it came', async () => {
      const url = await listen({ maxBytes: 1000 })
      const said = await fetch(url, { method: 'POST', body: 'x'.repeat(1001) })
      assert.equal(said.status, 413)
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.write('POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
      socket.write(`7d0\r\n${'x'.repeat(2000)}\r\n`)
      const [head] = (await once(socket, 'data')) as [Buffer]
      assert.match(head.toString(), /^HTTP\/1.1 413 /)
      socket.destroy()
      assert.deepEqual(noted, ['too-large', 'too-large'])
    })

    it('a body that was parsed before, loudly: it is a mistake of whoever mounted it', async () => {
      const url = await listen({}, express.json({ type: () => true }))
      assert.equal((await send(url, newEvent('a', 1))).status, 500)
      assert.match(String(noted[0]), /before express\.json/)
      assert.equal(handled.length, 0)
    })

    it('secrets that are none, when it is made', () => {
      assert.throws(() => receiveDeliveries({ secrets: [], handle() {} }), TypeError)
      server = createServer()
    })
  })

  it('outlives a sender that leaves in the middle', async () => {
    const url = await listen()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{')
    socket.end()
    await until('the end', () => noted.length === 1)
    assert.equal((await send(url, newEvent('a', 1))).status, 204)
  })
})
