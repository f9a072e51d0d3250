import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { PostOptions } from '../../../src/outbound/post.ts'
import type { Sent } from '../../../src/workers/deliver/send.ts'
import { createResolve, createTestSender, otherSecret, testSecret } from '../../support/sending.ts'
import {
  answer,
  type Behaviour,
  hang,
  type Subscriber,
  type SubscriberOptions,
  startSubscriber,
  take,
} from '../../support/subscriber.ts'
import { until } from '../../support/until.ts'
import { fixture } from '../../support/wechatpay.ts'

describe('sending one event', () => {
  const stops: (() => unknown)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  async function subscriber(behaviour?: Behaviour, options: SubscriberOptions = {}): Promise<Subscriber> {
    const started = await startSubscriber({ ...options, ...(behaviour && { behaviour }) })
    stops.push(() => started.stop())
    return started
  }

  function sender(options: Partial<PostOptions> = {}) {
    const created = createTestSender(options)
    stops.push(() => created.close())
    return created
  }

  /** A server of bytes: what it writes need not be HTTP. */
  async function tcp(onConnection: (socket: Socket) => void): Promise<{ url: string; server: Server }> {
    const sockets = new Set<Socket>()
    const server = createTcpServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      onConnection(socket)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    stops.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server }
  }

  const brief = (sent: Sent) => {
    if (sent.outcome === 'given-up') return 'given-up'
    const { status, error } = sent.attempt
    return [sent.outcome, status, error].filter((part) => part !== undefined).join(' ')
  }

  it('posts its very bytes, signed, and a 2xx of any kind is success', async () => {
    const at = await subscriber(undefined, { secrets: [testSecret] })
    const { sendTo } = sender()
    for (const status of [200, 201, 202, 204, 299]) {
      at.behave(answer(status))
      assert.equal(brief(await sendTo(`${at.url}?a=b%20c`)), `taken ${status}`)
    }
    const [got] = at.got
    assert.ok(at.got.every(({ genuine }) => genuine))
    assert.equal(got?.headers['content-type'], 'application/cloudevents+json; charset=utf-8')
    assert.equal(got?.headers['user-agent'], 'Tallyhook/1.2.3')
    assert.equal(got?.headers['webhook-id'], 'ev-tr-1-1')
    assert.equal(got?.headers['accept-encoding'], 'identity')
    assert.equal(JSON.parse(got?.body ?? '').text, 'zürich 你好')
  })

  it('is signed by every secret that is live, so that each alone verifies it', async () => {
    const { sendTo } = sender()
    for (const known of [testSecret, otherSecret]) {
      const at = await subscriber(undefined, { secrets: [known] })
      await sendTo(at.url, { secrets: [otherSecret, testSecret] })
      assert.equal(at.got[0]?.genuine, true)
      await sendTo(at.url, { secrets: [known === testSecret ? otherSecret : testSecret] })
      assert.equal(at.got[1]?.genuine, false)
    }
  })

  it('says of an answer that is no success its status and how it begins', async () => {
    const at = await subscriber(answer(500, {}, 'broken\u0000\u001b[31m in\r\n\u202Ehere'))
    const { sendTo } = sender()
    const sent = await sendTo(at.url)
    assert.ok(sent.outcome === 'failed')
    assert.deepEqual([sent.attempt.status, sent.attempt.error], [500, 'status'])
    assert.equal(sent.attempt.excerpt, 'broken [31m in here')
    assert.ok(sent.attempt.at > 0 && sent.attempt.tookMs >= 0)
    for (const status of [304, 400, 401, 404, 422, 503]) {
      at.behave(answer(status))
      assert.equal(brief(await sendTo(at.url)), `failed ${status} status`)
    }
  })

  it('keeps at most 256 characters of it, none of them cut', async () => {
    const at = await subscriber(answer(500, {}, '你😀'.repeat(5_000)))
    const { sendTo } = sender()
    const sent = await sendTo(at.url)
    assert.ok(sent.outcome === 'failed')
    assert.equal(sent.attempt.excerpt, '你😀'.repeat(128))
    at.behave(answer(500, { 'content-encoding': 'gzip' }, 'packed'))
    const packed = await sendTo(at.url)
    assert.ok(packed.outcome === 'failed' && packed.attempt.excerpt === undefined)
  })

  it('hands on what Retry-After asks for, and that a 410 wants no more', async () => {
    const now = Date.parse('2026-11-21T10:00:00Z')
    const { sendTo } = sender({ clock: () => now })
    const at = await subscriber()
    const ask = async (status: number, value?: string) => {
      at.behave(answer(status, value === undefined ? {} : { 'retry-after': value }))
      const sent = await sendTo(at.url)
      assert.ok(sent.outcome === 'failed')
      return [sent.retryAfterMs, sent.gone]
    }
    assert.deepEqual(await ask(429, '120'), [120_000, undefined])
    assert.deepEqual(await ask(503, 'Sat, 21 Nov 2026 10:00:30 GMT'), [30_000, undefined])
    assert.deepEqual(await ask(429, 'Sat, 21 Nov 2026 09:00:00 GMT'), [0, undefined])
    assert.deepEqual(await ask(429, 'soon'), [undefined, undefined])
    assert.deepEqual(await ask(429), [undefined, undefined])
    assert.deepEqual(await ask(410), [undefined, true])
  })

  it('follows no redirect', async () => {
    const inner = await subscriber()
    const at = await subscriber()
    const { sendTo } = sender()
    for (const status of [301, 302, 303, 307, 308]) {
      at.behave(answer(status, { location: inner.url }))
      assert.equal(brief(await sendTo(at.url)), `failed ${status} redirected`)
    }
    assert.equal(inner.connections, 0)
  })

  it('ends when its signal says so, before and after it has left', async () => {
    const at = await subscriber(hang)
    const { sendTo } = sender()
    assert.equal(brief(await sendTo(at.url, { signal: AbortSignal.abort() })), 'given-up')
    assert.equal(at.connections, 0)
    const controller = new AbortController()
    const sending = sendTo(at.url, { signal: controller.signal })
    await until('the request', () => at.got.length === 1)
    controller.abort()
    assert.equal(brief(await sending), 'given-up')
  })

  it('ends when all is closed, whether it had its connection by then or not', async () => {
    const at = await subscriber(hang)
    const { sendTo, close } = sender({ connections: { perOriginMax: 2 } })
    const sending = Promise.all(Array.from({ length: 4 }, () => sendTo(at.url)))
    await until('the requests', () => at.got.length === 2)
    close()
    assert.deepEqual((await sending).map(brief), Array(4).fill('given-up'))
    assert.equal(brief(await sendTo(at.url)), 'given-up')
    await until('the connections are closed', () => at.open() === 0)
    assert.equal(at.connections, 2)
  })

  describe('over connections that are kept', () => {
    it('makes few of them for many events', async () => {
      const at = await subscriber()
      const { sendTo } = sender()
      for (let i = 0; i < 50; i++) assert.equal(brief(await sendTo(at.url)), 'taken 204')
      assert.equal(at.connections, 1)
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < 25; i++) await sendTo(at.url)
        }),
      )
      assert.equal(at.got.length, 250)
      assert.ok(at.connections <= 8, String(at.connections))
    })

    it('opens no more than its bound, and whoever waits has a turn', async () => {
      const at = await subscriber()
      const { sendTo } = sender({ connections: { perOriginMax: 3 } })
      const sent = await Promise.all(Array.from({ length: 30 }, () => sendTo(at.url)))
      assert.ok(sent.every(({ outcome }) => outcome === 'taken'))
      assert.equal(at.connections, 3)
    })

    it('waits for one no longer than for an answer', async () => {
      const at = await subscriber(hang)
      const { sendTo } = sender({ timeoutMs: 150, connections: { perOriginMax: 1 } })
      const sent = await Promise.all([sendTo(at.url), sendTo(at.url), sendTo(at.url)])
      assert.deepEqual(sent.map(brief), Array(3).fill('failed timeout'))
      assert.equal(at.got.length, 1, 'what was given up does not leave')
      at.behave(answer(200))
      assert.equal(brief(await sendTo(at.url)), 'taken 200')
    })

    it('keeps a bounded number of them idle, and none for ever', async () => {
      const ats = [await subscriber(), await subscriber(), await subscriber()]
      const closed: string[] = []
      for (const at of ats) {
        at.behave((_, res, req) => {
          req.socket.once('close', () => closed.push(at.url))
          res.writeHead(200).end()
        })
      }
      const { sendTo } = sender({ connections: { idleMax: 2, idleMsMax: 200 } })
      for (const at of ats) await sendTo(at.url)
      await until('the oldest is closed', () => closed.length === 1)
      assert.deepEqual(closed, [ats[0]?.url])
      await until('all are closed', () => closed.length === 3)
      assert.equal(brief(await sendTo(ats[0]?.url ?? '')), 'taken 200')
    })

    it('looks the name up anew when a connection has grown old', async () => {
      let now = 1_000_000
      const at = await subscriber()
      const { resolve, asked } = createResolve({ 'hooks.example': [['127.0.0.1']] })
      const { sendTo } = sender({ resolve, clock: () => now })
      const url = at.url.replace('127.0.0.1', 'hooks.example')
      for (let i = 0; i < 3; i++) await sendTo(url)
      assert.equal(asked.length, 1)
      now += 5 * 60_000 + 1
      for (let i = 0; i < 3; i++) await sendTo(url)
      assert.equal(asked.length, 2)
    })

    it('sends it once more at once when the one that was kept had been closed', async () => {
      const at = await subscriber()
      const { sendTo } = sender()
      await sendTo(at.url)
      let lost = 0
      at.behave((_, res, req) => {
        if (lost++ === 0) req.socket.destroy()
        else res.writeHead(200).end()
      })
      assert.equal(brief(await sendTo(at.url)), 'taken 200')
      assert.deepEqual([lost, at.connections], [2, 2])
    })

    it('does not send it again over one that is new', async () => {
      const at = await subscriber((_, __, req) => req.socket.destroy())
      const { sendTo } = sender()
      assert.equal(brief(await sendTo(at.url)), 'failed connection-lost')
      assert.equal(at.got.length, 1)
    })

    it('asks for a name once, however many wait for it', async () => {
      const at = await subscriber()
      const { resolve, asked } = createResolve({ 'hooks.example': [['127.0.0.1']] })
      const { sendTo } = sender({ resolve })
      const url = at.url.replace('127.0.0.1', 'hooks.example')
      const sent = await Promise.all(Array.from({ length: 20 }, () => sendTo(url)))
      assert.ok(sent.every(({ outcome }) => outcome === 'taken'))
      assert.equal(asked.length, 1)
    })

    it('are within their bound and serve whoever waits, whatever is answered', async () => {
      const behaviours: Behaviour[] = [
        take,
        answer(200, { connection: 'close' }),
        answer(200, {}, 'x'.repeat(100_000)),
        answer(500, {}, 'broken'),
        answer(302, { location: '/' }),
        hang,
        (_, __, req) => req.socket.destroy(),
        (_, res) => res.writeHead(200).write('half'),
        (_, res) => {
          res.writeHead(200, { 'content-length': '9' }).write('half')
          setImmediate(() => res.destroy())
        },
        (_, __, req) => req.socket.end('nonsense\r\n\r\n'),
        (_, __, req) => req.socket.end('HTTP/1.0 200 OK\r\n\r\nold'),
      ]
      const at = await subscriber((got, res, req) => {
        open = Math.max(open, at.open())
        return behaviours[(got.index * 7) % behaviours.length]?.(got, res, req)
      })
      let open = 0
      const { sendTo } = sender({ timeoutMs: 250, connections: { perOriginMax: 4 } })
      const sent: Sent[] = []
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < 40; i++) sent.push(await sendTo(at.url))
        }),
      )
      assert.equal(sent.length, 320)
      const outcomes = new Set(sent.map(brief))
      for (const outcome of ['taken 200', 'taken 204', 'failed 500 status', 'failed 302 redirected'])
        assert.ok(outcomes.has(outcome), outcome)
      // One that was given up may still be closing on the other side.
      assert.ok(open <= 8, String(open))
      at.behave(take)
      const after = await Promise.all(Array.from({ length: 8 }, () => sendTo(at.url)))
      assert.deepEqual(after.map(brief), Array(8).fill('taken 204'))
    })

    it('serves an endpoint that closes each of them', async () => {
      const at = await subscriber(answer(200, { connection: 'close' }))
      const { sendTo } = sender()
      for (let i = 0; i < 5; i++) assert.equal(brief(await sendTo(at.url)), 'taken 200')
      assert.equal(at.connections, 5)
    })

    it('serves an endpoint that was started anew in between', async () => {
      const at = await subscriber()
      const { sendTo } = sender()
      await Promise.all(Array.from({ length: 5 }, () => sendTo(at.url)))
      for (let i = 0; i < 10; i++) {
        at.hangUp()
        assert.equal(brief(await sendTo(at.url)), 'taken 204')
      }
    })
  })

  describe('to an endpoint that', () => {
    it('says nothing: is given up in time, and its connection with it', async () => {
      const at = await subscriber()
      let closed = 0
      at.behave((_, __, req) => req.socket.once('close', () => closed++))
      const { sendTo } = sender({ timeoutMs: 100 })
      const sent = await sendTo(at.url)
      assert.equal(brief(sent), 'failed timeout')
      assert.ok(sent.outcome === 'failed' && sent.attempt.tookMs < 2_000)
      await until('it is closed', () => closed === 1)
    })

    it('sends its head byte by byte: is given up in time', async () => {
      const { url } = await tcp((socket) => {
        const head = 'HTTP/1.1 200 OK\r\nx-slow: '
        let at = 0
        const timer = setInterval(() => socket.write(head[at++] ?? 'x'), 10)
        socket.on('close', () => clearInterval(timer))
      })
      assert.equal(brief(await sender({ timeoutMs: 300 }).sendTo(url)), 'failed timeout')
    })

    it('took it and does not come to an end with its answer: took it', async () => {
      const at = await subscriber()
      let closed = 0
      const { sendTo } = sender({ timeoutMs: 200 })
      const drip = (status: number): Behaviour => {
        return (_, res) => {
          res.writeHead(status)
          const timer = setInterval(() => res.write('x'), 10)
          res.on('close', () => {
            clearInterval(timer)
            closed++
          })
        }
      }
      at.behave(drip(200))
      assert.equal(brief(await sendTo(at.url)), 'taken 200')
      await until('it is closed', () => closed === 1)
      at.behave(drip(500))
      const sent = await sendTo(at.url)
      assert.equal(brief(sent), 'failed 500 status')
      assert.ok(sent.outcome === 'failed' && /^x+$/.test(sent.attempt.excerpt ?? ''))
      await until('it is closed', () => closed === 2)
    })

    it('breaks off in the middle of its answer: said its status before', async () => {
      const at = await subscriber((_, res) => {
        res.writeHead(201, { 'content-length': '100' }).write('half')
        setImmediate(() => res.destroy())
      })
      const { sendTo } = sender()
      assert.equal(brief(await sendTo(at.url)), 'taken 201')
      at.behave((_, res) => {
        res.writeHead(503, { 'content-length': '100', 'retry-after': '7' }).write('half')
        setImmediate(() => res.destroy())
      })
      const sent = await sendTo(at.url)
      assert.equal(brief(sent), 'failed 503 status')
      assert.ok(sent.outcome === 'failed' && sent.retryAfterMs === 7_000)
    })

    it('answers 10 MB, fast or slowly: is read to a cap, and its status counts', async () => {
      const at = await subscriber()
      const { sendTo } = sender()
      let written = 0
      const closed: ServerResponse[] = []
      const large = (status: number, pauseMs: number): Behaviour => {
        return (_, res) => {
          res.writeHead(status, { 'content-length': String(10 * 2 ** 20) })
          res.on('close', () => closed.push(res))
          const piece = Buffer.alloc(2 ** 16, 'x')
          const next = () => {
            if (res.destroyed || written >= 10 * 2 ** 20) return
            written += piece.length
            res.write(piece, () => (pauseMs > 0 ? setTimeout(next, pauseMs) : next()))
          }
          next()
        }
      }
      let ended = 0
      for (const pauseMs of [0, 5]) {
        for (const [status, expected] of [
          [200, 'taken 200'],
          [500, 'failed 500 status'],
        ] as const) {
          written = 0
          at.behave(large(status, pauseMs))
          assert.equal(brief(await sendTo(at.url)), expected)
          ended++
          await until('it is closed', () => closed.length === ended)
          assert.ok(written < 8 * 2 ** 20, `${written} bytes were taken`)
        }
      }
      at.behave(answer(200))
      assert.equal(brief(await sendTo(at.url)), 'taken 200')
    })

    it('answers what is not HTTP, or heads without end: was no answer', async () => {
      const { sendTo } = sender()
      const garbage = await tcp((socket) =>
        socket.once('data', () => socket.end('what do you want?\r\n\r\n')),
      )
      assert.equal(brief(await sendTo(garbage.url)), 'failed answer-invalid')
      const endless = await tcp((socket) =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\n')
          for (let i = 0; i < 2_000; i++) socket.write(`x-${i}: ${'y'.repeat(100)}\r\n`)
        }),
      )
      assert.equal(brief(await sendTo(endless.url)), 'failed answer-invalid')
    })

    it('says things twice in its head: is understood all the same', async () => {
      const { sendTo } = sender()
      const twice = await tcp((socket) =>
        socket.on('data', () => {
          const names = ['retry-after: 7', 'connection: close', 'content-encoding: identity', 'x: y']
          const head = [...names, ...names].join('\r\n')
          socket.end(`HTTP/1.1 503 Busy\r\n${head}\r\ncontent-length: 4\r\n\r\nbusy`)
        }),
      )
      const sent = await sendTo(twice.url)
      assert.equal(brief(sent), 'failed 503 status')
      assert.ok(sent.outcome === 'failed' && sent.retryAfterMs === 7_000)
    })

    it('closes at once, or half: took nothing', async () => {
      const { sendTo } = sender({ timeoutMs: 1_000 })
      const closing = await tcp((socket) => socket.destroy())
      assert.match(brief(await sendTo(closing.url)), /^failed connection-(lost|failed)$/)
      const half = await tcp((socket) => socket.once('data', () => socket.end()))
      assert.equal(brief(await sendTo(half.url)), 'failed connection-lost')
    })

    it('says that it will answer, again and again: is given up in time', async () => {
      const { url } = await tcp((socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 10)
        socket.on('close', () => clearInterval(timer))
      })
      assert.equal(brief(await sender({ timeoutMs: 200 }).sendTo(url)), 'failed timeout')
    })

    it('is not there, has no name, or a certificate that nobody vouches for', async () => {
      const gone = await subscriber()
      const { sendTo } = sender(createResolve({ 'empty.example': [[]] }))
      await gone.stop()
      stops.pop()
      assert.equal(brief(await sendTo(gone.url)), 'failed connection-failed')
      assert.equal(brief(await sendTo('https://no.example/')), 'failed name-not-resolved')
      assert.equal(brief(await sendTo('https://empty.example/')), 'failed name-not-resolved')
      const tls = { key: fixture('old.key.pem'), cert: fixture('old.cert.pem') }
      const untrusted = await subscriber(undefined, { tls })
      assert.equal(brief(await sendTo(untrusted.url)), 'failed tls-failed')
      const plain = await subscriber()
      assert.equal(brief(await sendTo(plain.url.replace('http:', 'https:'))), 'failed tls-failed')
      assert.equal(untrusted.got.length + plain.got.length, 0)
    })

    it('has a name that nobody answers for: is given up in time', async () => {
      const { sendTo } = sender({ timeoutMs: 100, resolve: () => new Promise(() => {}) })
      assert.equal(brief(await sendTo('http://slow.example/')), 'failed timeout')
    })
  })
})
