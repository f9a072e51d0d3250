import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import { callMsMax } from '../../src/outbound/calls.ts'
import type { Exchange } from '../../src/providers/client.ts'
import { createCallProcess, createHosts, deadOrigin, order, question } from '../support/calls.ts'
import { collectGarbage } from '../support/garbage.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { fixture } from '../support/wechatpay.ts'

describe('calls to providers', () => {
  const clients = createTestClients()
  const hosts = createHosts()
  let redis: Redis
  before(async () => {
    redis = await clients.open('fail-fast')
  })
  after(() => clients.closeAll())
  afterEach(() => hosts.stopAll())

  const onlyProcess = (options: Parameters<typeof createCallProcess>[2] = {}) =>
    createCallProcess(redis, uniquePrefix(), options)

  const describeExchange = (exchange: Exchange) =>
    exchange.outcome === 'answered' ? `${exchange.status} ${exchange.body}` : exchange.outcome

  it('send the very bytes and bring back the whole answer', async () => {
    const host = await hosts.start((req, res) => {
      res.writeHead(201, { 'x-signed': 'yes' }).end(String(req.headers['x-time']))
    })
    let made = 0
    const headers = () => ({ 'x-time': String(++made) })
    const call = onlyProcess().connect(host.url)
    const path = '/v1/pay?note=a%20b&x=%E4%BD%A0'
    const exchange = await call(order({ path, body: '{"a": "你"}', headers }))
    assert.equal(describeExchange(exchange), '201 1')
    assert.equal(exchange.outcome === 'answered' && exchange.header('X-Signed'), 'yes')
    assert.equal(exchange.outcome === 'answered' && exchange.header('x-other'), undefined)
    assert.deepEqual(host.seen, [`POST ${path} {"a": "你"}`])
  })

  it('hand on whatever is answered, for better or worse', async () => {
    const host = await hosts.start()
    const call = onlyProcess().connect(host.url)
    for (const status of [200, 204, 400, 401, 403, 404, 409, 422]) {
      host.answer((_, res) => res.writeHead(status).end())
      assert.equal(describeExchange(await call(order())).slice(0, 3), String(status))
      assert.equal(describeExchange(await call(question())).slice(0, 3), String(status))
    }
    assert.equal(host.seen.length, 16, 'nothing of that is repeated')
  })

  it('are questions over one connection, and orders each over its own', async () => {
    const ports = new Set<unknown>()
    const host = await hosts.start((req, res) => {
      ports.add(req.socket.remotePort)
      res.end('ok')
    })
    const call = onlyProcess().connect(host.url)
    for (let i = 0; i < 3; i++) await call(question())
    assert.equal(ports.size, 1)
    for (let i = 0; i < 3; i++) await call(order())
    assert.equal(ports.size, 4)
  })

  it('throw what is a fault of the client itself, and hold it against nobody', async () => {
    const host = await hosts.start()
    const { connect, limits } = onlyProcess()
    const headers = () => {
      throw new Error('The key does not sign.')
    }
    await assert.rejects(connect(host.url)(order({ headers })), /does not sign/)
    assert.deepEqual((await limits.stateOf('a', [])).breaker, { state: 'closed', failures: 0 })
    assert.deepEqual(host.seen, [])
  })

  describe('of which it is certain that nothing left', () => {
    it('are unsent: nobody listens, no such name, an address that may not be called, no TLS', async () => {
      const tls = createTlsServer({ key: fixture('old.key.pem'), cert: fixture('old.cert.pem') }, () =>
        assert.fail('A certificate that nobody vouches for was believed.'),
      )
      await once(tls.listen(0, '127.0.0.1'), 'listening')
      const origins = [
        await deadOrigin(),
        'https://no-such-name.invalid',
        'https://10.0.0.1',
        `https://127.0.0.1:${(tls.address() as AddressInfo).port}`,
      ]
      try {
        for (const origin of origins) {
          const call = onlyProcess().connect(origin)
          assert.equal(describeExchange(await call(order())), 'unsent', origin)
        }
      } finally {
        tls.close()
      }
    })

    it('are unsent: it is too late, also when the wait for a connection made it so', async () => {
      const host = await hosts.start()
      let now = 1_000
      const call = onlyProcess({ clock: () => now }).connect(host.url)
      assert.equal(describeExchange(await call(order({ notAfter: 1_000 }))), '200 ok')
      assert.equal(describeExchange(await call(order({ notAfter: 999 }))), 'unsent')
      // The process sleeps between its decision and the moment at which the first byte would leave.
      const headers = () => {
        now = 2_000
        return {}
      }
      assert.equal(describeExchange(await call(order({ notAfter: 1_500, headers }))), 'unsent')
      assert.equal(host.seen.length, 1)
    })

    it('are unsent: the caller gave up before', async () => {
      const host = await hosts.start()
      const call = onlyProcess().connect(host.url)
      assert.equal(describeExchange(await call(order(), AbortSignal.abort())), 'unsent')
      assert.deepEqual(host.seen, [])
    })

    it('are unsent: Redis is away, so that nobody counts', async () => {
      const host = await hosts.start()
      const server = await startRedisServer()
      const own = createTestClients({ kind: 'url', url: server.url })
      try {
        const { connect, logger } = createCallProcess(await own.open('fail-fast'), uniquePrefix())
        const call = connect(host.url)
        assert.equal(describeExchange(await call(order())), '200 ok')
        await server.kill()
        const exchange = await call(question())
        assert.equal(exchange.outcome, 'unsent')
        assert.ok(exchange.outcome === 'unsent' && exchange.retryInMs !== undefined)
        assert.equal(host.seen.length, 1)
        assert.ok(logger.lines.some(({ event }) => event === 'calls.not-counted'))
      } finally {
        own.closeAll()
        await server.stop()
      }
    })

    it('are unsent: a path that a URL would mend, or that would lead elsewhere', async () => {
      const host = await hosts.start()
      const call = onlyProcess().connect(host.url)
      for (const path of ['/a/../b', '/a?b=c d', '@elsewhere.example/', '/a#b', 'x', "/a?b='"])
        assert.equal(describeExchange(await call(question({ path }))), 'unsent', path)
      assert.deepEqual(host.seen, [])
    })
  })

  describe('that may have arrived', () => {
    it('are unknown: the other side read it and hung up, or says nothing, or too much', async () => {
      const host = await hosts.start()
      const call = onlyProcess().connect(host.url, { timeoutMs: 100 })
      host.answer((req) => req.socket.destroy())
      assert.equal(describeExchange(await call(order())), 'unknown')
      host.answer(() => {})
      assert.equal(describeExchange(await call(order())), 'unknown')
      host.answer((_, res) => res.writeHead(200, { 'content-length': '100' }).write('half'))
      assert.equal(describeExchange(await call(order())), 'unknown')
      host.answer((_, res) => res.end('x'.repeat(2 ** 21)))
      assert.equal(describeExchange(await call(order())), 'unknown')
      assert.equal(host.seen.length, 4, 'money is not sent again by itself')
    })

    it('are unknown: the caller gave up after it had left', async () => {
      const host = await hosts.start(() => {})
      const call = onlyProcess().connect(host.url)
      const caller = new AbortController()
      const calling = call(order(), caller.signal)
      await until('the request', () => host.seen.length === 1)
      caller.abort()
      assert.equal(describeExchange(await calling), 'unknown')
    })

    it('are unknown also when their repeat was certainly not sent', async () => {
      const host = await hosts.start((req) => {
        host.stop()
        req.socket.destroy()
      })
      const call = onlyProcess().connect(host.url)
      assert.equal(describeExchange(await call(question())), 'unknown')
      assert.equal(host.seen.length, 1)
    })

    it('are unknown: a redirect, which is not followed', async () => {
      const other = await hosts.start()
      const host = await hosts.start((_, res) => res.writeHead(307, { location: other.url }).end())
      assert.equal(describeExchange(await onlyProcess().connect(host.url)(order())), 'unknown')
      assert.deepEqual(other.seen, [])
    })
  })

  describe('are repeated', () => {
    it('twice at most, where the same again does no harm', async () => {
      const host = await hosts.start((_, res) => res.writeHead(500).end('broken'))
      const call = onlyProcess().connect(host.url)
      assert.equal(describeExchange(await call(question())), '500 broken')
      assert.equal(host.seen.length, 3)
      assert.equal(describeExchange(await call(order())), '500 broken')
      assert.equal(host.seen.length, 4)
    })

    it('until there is an answer, each time with headers of its own', async () => {
      const host = await hosts.start()
      const stamps: unknown[] = []
      host.answer((req, res) => {
        stamps.push(req.headers['x-nonce'])
        if (stamps.length === 1) req.socket.destroy()
        else if (stamps.length === 2) res.writeHead(502).end()
        else res.end('done')
      })
      let made = 0
      const headers = () => ({ 'x-nonce': String(++made) })
      const call = onlyProcess().connect(host.url)
      assert.equal(describeExchange(await call(question({ headers }))), '200 done')
      assert.deepEqual(stamps, ['1', '2', '3'])
    })

    it('and whoever asks hears where an earlier attempt may have arrived', async () => {
      const host = await hosts.start((_, res) => res.writeHead(400).end('no'))
      const call = onlyProcess().connect(host.url)
      const first = await call(question())
      assert.ok(first.outcome === 'answered' && first.again === undefined)
      let answered = 0
      host.answer((req, res) => {
        if (++answered % 2 === 1) req.socket.destroy()
        else res.writeHead(400).end('no')
      })
      const second = await call(question())
      assert.ok(second.outcome === 'answered' && second.again)
    })

    it('after a 429 when it says so, and not where that is far off', async () => {
      const host = await hosts.start()
      host.answer((_, res) => {
        if (host.seen.length > 1) return void res.end('now')
        res.writeHead(429, { 'retry-after': '1' }).end('slow down')
      })
      const startedAt = Date.now()
      const call = onlyProcess().connect(host.url)
      assert.equal(describeExchange(await call(question())), '200 now')
      assert.ok(Date.now() - startedAt >= 1_000)

      host.answer((_, res) => res.writeHead(429, { 'retry-after': '3600' }).end('tomorrow'))
      assert.equal(describeExchange(await call(question())), '429 tomorrow')
      assert.equal(host.seen.length, 3)
      // Others of the kind wait as well, and other kinds do not.
      assert.equal(describeExchange(await call(question())), 'unsent')
      assert.equal(describeExchange(await call(order())), '429 tomorrow')
    })

    it('and never for longer than a call may take', async () => {
      const host = await hosts.start(() => {})
      const startedAt = Date.now()
      const call = onlyProcess().connect(host.url, { timeoutMs: 300 })
      assert.equal(describeExchange(await call(question())), 'unknown')
      const tookMs = Date.now() - startedAt
      assert.ok(tookMs < callMsMax(300) + 500, `${tookMs} ms`)
      assert.ok(host.seen.length > 1)
    })

    it('also where the caller could end it, and garbage is collected meanwhile', async () => {
      const host = await hosts.start(() => {})
      const startedAt = Date.now()
      const call = onlyProcess().connect(host.url, { timeoutMs: 300 })
      const timer = setInterval(collectGarbage, 20)
      try {
        assert.equal(describeExchange(await call(question(), new AbortController().signal)), 'unknown')
      } finally {
        clearInterval(timer)
      }
      const tookMs = Date.now() - startedAt
      assert.ok(tookMs < callMsMax(300) + 500, `${tookMs} ms`)
    })

    it('and not once the caller has given up', async () => {
      const caller = new AbortController()
      const host = await hosts.start((_, res) => {
        res.writeHead(500).end('broken')
        caller.abort()
      })
      const exchange = await onlyProcess().connect(host.url)(question(), caller.signal)
      assert.notEqual(exchange.outcome, 'unsent')
      assert.equal(host.seen.length, 1)
    })
  })

  describe('of several processes', () => {
    const openMs = 100
    const breaker = { failuresMax: 3, openMs, openMsMax: openMs, graceMs: 60_000 }

    it('share the limits of the account, those of its calls and the one over all', async () => {
      const host = await hosts.start()
      const prefix = uniquePrefix()
      const limits = [{ bucket: 'order', count: 2, perMs: 3_600_000 }]
      const [one, other] = [redis, await clients.open('fail-fast')].map((client) =>
        createCallProcess(client, prefix).connect(host.url, { limits }),
      )
      assert.ok(one && other)
      assert.equal(describeExchange(await one(order())), '200 ok')
      const refused = await other(order())
      assert.ok(refused.outcome === 'unsent' && (refused.retryInMs ?? 0) > 1_000_000)
      assert.equal(describeExchange(await other(question())), '200 ok', 'another kind has no such limit')

      const slow = createCallProcess(redis, uniquePrefix(), { perSecond: 1 }).connect(host.url)
      assert.equal(describeExchange(await slow(order())), '200 ok')
      assert.equal(describeExchange(await slow(question())), 'unsent')
      assert.deepEqual(host.seen, ['POST /pay money', 'GET /status', 'POST /pay money'])
    })

    it('wait for a turn that is about to come', async () => {
      const host = await hosts.start()
      const { connect } = onlyProcess({ perSecond: 9 })
      const call = connect(host.url)
      const exchanges = [await call(order()), await call(order()), await call(order())]
      assert.deepEqual(exchanges.map(describeExchange), ['200 ok', '200 ok', '200 ok'])
    })

    it('stop at once when the provider keeps failing, until a question of one of them is answered', async () => {
      const host = await hosts.start((_, res) => res.writeHead(500).end('broken'))
      const prefix = uniquePrefix()
      const one = createCallProcess(redis, prefix, { breaker })
      const other = createCallProcess(await clients.open('fail-fast'), prefix, { breaker })
      const [askOne, askOther] = [one.connect(host.url), other.connect(host.url)]
      assert.equal(describeExchange(await askOne(question())), '500 broken')
      assert.equal(host.seen.length, 3)
      assert.ok(one.logger.lines.some(({ event }) => event === 'calls.stopped'))
      assert.equal(describeExchange(await askOther(order())), 'unsent')

      host.answer((_, res) => res.end('well again'))
      const answered = await until('a question to be let through', async () => {
        assert.equal(describeExchange(await askOther(order())), 'unsent', 'money is not what tries')
        const exchange = await askOther(question())
        return exchange.outcome === 'answered' && exchange
      })
      assert.equal(describeExchange(answered), '200 well again')
      assert.ok(other.logger.lines.some(({ event }) => event === 'calls.resumed'))
      assert.equal(describeExchange(await askOne(order())), '200 well again')
      assert.deepEqual(host.seen.slice(3), ['GET /status', 'POST /pay money'])
    })

    it('stop at a host that takes no connection, and not because of refusals or of callers who gave up', async () => {
      const dead = onlyProcess({ breaker: { ...breaker, openMs: 60_000, openMsMax: 60_000 } })
      const call = dead.connect(await deadOrigin())
      for (let i = 0; i < 4; i++) await call(order())
      assert.equal((await dead.limits.stateOf('a', [])).breaker.state, 'open')

      const host = await hosts.start((_, res) => res.writeHead(422).end())
      const alive = onlyProcess({ breaker })
      const callAlive = alive.connect(host.url)
      for (let i = 0; i < 4; i++) await callAlive(order())
      host.answer(() => {})
      for (let i = 0; i < 4; i++) {
        const caller = new AbortController()
        const seen = host.seen.length
        const calling = callAlive(order(), caller.signal)
        await until('the request', () => host.seen.length > seen)
        caller.abort()
        await calling
      }
      assert.deepEqual((await alive.limits.stateOf('a', [])).breaker, { state: 'closed', failures: 0 })
    })
  })

  describe('at the spare host', () => {
    it('get their repeat, and it is asked first while the other one fails', async () => {
      const main = await hosts.start((_, res) => res.writeHead(503).end('down'))
      const spare = await hosts.start((_, res) => res.end('spare'))
      const call = onlyProcess().connect(main.url, { spareUrl: spare.url })
      assert.equal(describeExchange(await call(question())), '200 spare')
      assert.equal(describeExchange(await call(question())), '200 spare')
      assert.deepEqual([main.seen.length, spare.seen.length], [1, 2])
      spare.answer((_, res) => res.writeHead(503).end('down'))
      main.answer((_, res) => res.end('main'))
      assert.equal(describeExchange(await call(question())), '200 main')
      assert.equal(describeExchange(await call(question())), '200 main')
      assert.deepEqual([main.seen.length, spare.seen.length], [3, 3])
    })

    it('may be orders that certainly did not leave, and never one that may have', async () => {
      const spare = await hosts.start((_, res) => res.end('spare'))
      const unreachable = onlyProcess().connect(await deadOrigin(), { spareUrl: spare.url })
      assert.equal(describeExchange(await unreachable(order())), '200 spare')
      const main = await hosts.start((req) => req.socket.destroy())
      const hangsUp = onlyProcess().connect(main.url, { spareUrl: spare.url })
      assert.equal(describeExchange(await hangsUp(order())), 'unknown')
      assert.equal(spare.seen.length, 1)
    })
  })
})
