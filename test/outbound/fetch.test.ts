import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { AppError } from '../../src/domain/errors.ts'
import { createOutboundFetch, type OutboundOptions } from '../../src/outbound/fetch.ts'
import { createAddressCheck } from '../../src/outbound/networks.ts'
import { until } from '../support/until.ts'
import { fixture } from '../support/wechatpay.ts'

/** Stands for the public internet: no test leaves this machine. */
const reachable = '127.0.0.2'

describe('outbound requests', () => {
  const servers: Server[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  /** Listens on every address of the machine, so that a request which arrives where it may not would be seen. */
  async function serve(listener: RequestListener): Promise<{ port: number; seen: string[] }> {
    const seen: string[] = []
    const server = createServer((req, res) => {
      seen.push(`${req.method} ${req.url} ${req.socket.localAddress}`)
      res.setHeader('connection', 'close')
      listener(req, res)
    })
    servers.push(server)
    await once(server.listen(0, '0.0.0.0'), 'listening')
    return { port: (server.address() as AddressInfo).port, seen }
  }

  function outbound(names: Record<string, string[][]> = {}, options: Partial<OutboundOptions> = {}) {
    const asked: string[] = []
    const fetch = createOutboundFetch({
      allow: [`${reachable}/32`],
      http: true,
      resolve: async (host) => {
        asked.push(host)
        const answers = names[host]
        const answer = answers && answers.length > 1 ? answers.shift() : answers?.[0]
        if (!answer) throw new Error(`There is no ${host}.`)
        return answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      },
      ...options,
    })
    return { fetch, asked }
  }

  async function codeOf(work: Promise<unknown>): Promise<string> {
    try {
      await work
    } catch (error) {
      assert.ok(error instanceof AppError, String(error))
      return error.code
    }
    return 'done'
  }

  it('sends what it is given and brings back the whole answer', async () => {
    const { port } = await serve(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk)
      res.writeHead(201, { 'x-kind': 'reply' }).end(`${req.headers['x-asked']}:${Buffer.concat(chunks)}`)
    })
    const { fetch } = outbound({ 'provider.example': [[reachable]] })
    const answer = await fetch(`http://provider.example:${port}/path?q=1`, {
      method: 'POST',
      headers: { 'x-asked': 'yes' },
      body: 'hello',
    })
    assert.equal(answer.status, 201)
    assert.equal(answer.headers.get('x-kind'), 'reply')
    assert.equal(await answer.text(), 'yes:hello')
  })

  it('hands on an answer that is an error of the other side, and one without a body', async () => {
    const { port } = await serve((req, res) => res.writeHead(req.url === '/gone' ? 404 : 204).end())
    const { fetch } = outbound()
    assert.equal((await fetch(`http://${reachable}:${port}/gone`)).status, 404)
    assert.equal((await fetch(`http://${reachable}:${port}/`)).status, 204)
  })

  it('looks at the address at each connection: a name that answers otherwise the second time gains nothing', async () => {
    const { port, seen } = await serve((_, res) => res.end('ok'))
    const { fetch, asked } = outbound({ 'rebinding.example': [[reachable], ['127.0.0.1']] })
    const url = `http://rebinding.example:${port}/`
    assert.equal((await fetch(url)).status, 200)
    assert.equal(await codeOf(fetch(url)), 'outbound-refused')
    assert.deepEqual(asked, ['rebinding.example', 'rebinding.example'], 'asked once for each connection')
    assert.deepEqual(seen, [`GET / ${reachable}`])
  })

  it('refuses a name of which one address is not allowed, wherever it stands', async () => {
    const { port, seen } = await serve((_, res) => res.end('ok'))
    for (const addresses of [
      [reachable, '127.0.0.1'],
      ['::1', reachable],
    ]) {
      const { fetch } = outbound({ 'mixed.example': [addresses] })
      assert.equal(await codeOf(fetch(`http://mixed.example:${port}/`)), 'outbound-refused')
    }
    assert.deepEqual(seen, [])
  })

  it('refuses an address in whatever form it is written', async () => {
    const { port, seen } = await serve((_, res) => res.end('ok'))
    const { fetch, asked } = outbound()
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0',
      '[::1]',
      '[::ffff:127.0.0.1]',
    ]) {
      assert.equal(await codeOf(fetch(`http://${host}:${port}/`)), 'outbound-refused', host)
    }
    assert.deepEqual([seen, asked], [[], []])
  })

  it('follows no redirect', async () => {
    const other = await serve((_, res) => res.end('secret'))
    const { port } = await serve((_, res) =>
      res.writeHead(302, { location: `http://127.0.0.1:${other.port}/` }).end(),
    )
    const { fetch } = outbound()
    assert.equal(await codeOf(fetch(`http://${reachable}:${port}/`)), 'outbound-failed')
    assert.deepEqual(other.seen, [])
  })

  it('stops reading a body without end at its cap', async () => {
    let closed = false
    const { port } = await serve((_, res) => {
      res.on('close', () => {
        closed = true
      })
      const more = () => {
        while (res.write('x'.repeat(1024)));
      }
      res.on('drain', more)
      more()
    })
    const { fetch } = outbound({}, { bodyBytesMax: 10_000 })
    assert.equal(await codeOf(fetch(`http://${reachable}:${port}/`)), 'outbound-failed')
    await until('the connection to be closed', () => closed)
  })

  it('takes a body of exactly the cap', async () => {
    const { port } = await serve((_, res) => res.end('x'.repeat(100)))
    const { fetch } = outbound({}, { bodyBytesMax: 100 })
    assert.equal((await (await fetch(`http://${reachable}:${port}/`)).text()).length, 100)
  })

  it('gives up on one that trickles, however alive it is', async () => {
    let closed = false
    const { port } = await serve((_, res) => {
      const timer = setInterval(() => res.write('x'), 5)
      res.on('close', () => {
        clearInterval(timer)
        closed = true
      })
    })
    const { fetch } = outbound({}, { totalMsMax: 100 })
    assert.equal(await codeOf(fetch(`http://${reachable}:${port}/`)), 'outbound-failed')
    await until('the connection to be closed', () => closed)
  })

  it('gives up on a look-up that never ends, and when its caller does', async () => {
    const never = () => new Promise<never>(() => {})
    const { fetch } = outbound({}, { totalMsMax: 50, resolve: never })
    assert.equal(await codeOf(fetch('http://slow.example/')), 'outbound-failed')
    const patient = outbound({}, { resolve: never })
    const caller = new AbortController()
    const call = codeOf(patient.fetch('http://slow.example/', { signal: caller.signal }))
    caller.abort()
    assert.equal(await call, 'outbound-failed')
  })

  it('a name without an address, and a server that hangs up, are failures that may pass', async () => {
    const { port } = await serve((req) => req.socket.destroy())
    const { fetch } = outbound({ 'empty.example': [[]] })
    for (const host of ['empty.example', 'nobody.example', reachable]) {
      assert.equal(await codeOf(fetch(`http://${host}:${port}/`)), 'outbound-failed', host)
    }
  })

  it('refuses an answer in an encoding that was not asked for', async () => {
    const { port } = await serve((req, res) => {
      assert.equal(req.headers['accept-encoding'], 'identity')
      res.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
    })
    assert.equal(await codeOf(outbound().fetch(`http://${reachable}:${port}/`)), 'outbound-failed')
  })

  it('speaks https alone, unless plain http is allowed', async () => {
    const { port, seen } = await serve((_, res) => res.end('ok'))
    const { fetch } = outbound({}, { http: false })
    for (const url of [
      `http://${reachable}:${port}/`,
      'file:///etc/passwd',
      'ftp://provider.example/',
      'nonsense',
    ]) {
      assert.equal(await codeOf(fetch(url)), 'outbound-refused', url)
    }
    assert.equal(await codeOf(outbound().fetch(`http://user:word@${reachable}:${port}/`)), 'outbound-refused')
    assert.deepEqual(seen, [])
  })

  it('believes no certificate that nobody vouches for', async () => {
    const server = createTlsServer(
      { key: fixture('old.key.pem'), cert: fixture('old.cert.pem') },
      (_, res) => {
        res.end('ok')
      },
    )
    servers.push(server)
    await once(server.listen(0, '0.0.0.0'), 'listening')
    const { port } = server.address() as AddressInfo
    assert.equal(await codeOf(outbound().fetch(`https://${reachable}:${port}/`)), 'outbound-failed')
  })

  it('reaches the loopback origin that an operator wrote down, and no other', async () => {
    const named = await serve((_, res) => res.end('ok'))
    const other = await serve((_, res) => res.end('ok'))
    const { fetch } = outbound(
      { localhost: [['127.0.0.1'], ['10.0.0.1']] },
      { allow: [], http: false, loopbackOrigin: `http://localhost:${named.port}` },
    )
    assert.equal((await fetch(`http://localhost:${named.port}/`)).status, 200)
    assert.equal(
      await codeOf(fetch(`http://localhost:${named.port}/`)),
      'outbound-refused',
      'not loopback any more',
    )
    assert.equal(await codeOf(fetch(`http://localhost:${other.port}/`)), 'outbound-refused')
    assert.equal(await codeOf(fetch(`http://127.0.0.1:${named.port}/`)), 'outbound-refused')
    assert.equal(other.seen.length, 0)
  })

  it('says neither the address that a name has nor what was sent', async () => {
    const { fetch } = outbound({ 'inner.example': [['10.1.2.3']] })
    await assert.rejects(fetch('http://inner.example/token-in-path'), (error: AppError) => {
      assert.ok(!/10\.1\.2\.3|token/.test(`${error.message} ${error.detail}`))
      return true
    })
  })
})

describe('addresses', () => {
  const mayReach = createAddressCheck([])

  it('of the public internet may be reached', () => {
    for (const address of [
      '1.1.1.1',
      '8.8.8.8',
      '100.63.255.255',
      '172.32.0.1',
      '2606:4700::1',
      '2a00:1450::1',
    ]) {
      assert.ok(mayReach(address), address)
    }
  })

  it('of any other kind may not', () => {
    const special = [
      ...[
        '0.0.0.0',
        '10.0.0.1',
        '100.64.0.1',
        '127.0.0.1',
        '127.255.255.254',
        '169.254.169.254',
        '172.16.0.1',
      ],
      ...[
        '172.31.255.255',
        '192.0.0.1',
        '192.0.2.1',
        '192.88.99.1',
        '192.168.1.1',
        '198.18.0.1',
        '198.51.100.1',
      ],
      ...['203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
      ...[
        '::',
        '::1',
        '::ffff:10.0.0.1',
        '::ffff:8.8.8.8',
        '::8.8.8.8',
        '64:ff9b::a00:1',
        '64:ff9b:1::1',
        '100::1',
      ],
      ...[
        '2001::1',
        '2001:db8::1',
        '2002:a00:1::',
        '3fff::1',
        'fc00::1',
        'fd12::1',
        'fe80::1',
        'fe80::1%eth0',
      ],
      ...['fec0::1', 'ff02::1', '4000::1', 'localhost', '', '1.2.3'],
    ]
    for (const address of special) assert.ok(!mayReach(address), address)
  })

  it('of an allowed network may, and of its neighbour may not', () => {
    const allowed = createAddressCheck(['10.20.0.0/16', 'fd00:1::/32'])
    for (const address of ['10.20.0.1', '10.20.255.255', '::ffff:10.20.0.1', 'fd00:1::5']) {
      assert.ok(allowed(address), address)
    }
    for (const address of ['10.21.0.1', '10.19.255.255', 'fd00:2::5']) assert.ok(!allowed(address), address)
  })
})
