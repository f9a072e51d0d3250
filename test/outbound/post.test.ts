import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { resolveBySystem } from '../../src/outbound/connector.ts'
import { createPoster, type Poster, type PostOptions } from '../../src/outbound/post.ts'
import { createResolve } from '../support/sending.ts'

/** Stands for the public internet: no test leaves this machine. */
const reachable = '127.0.0.2'

const never = new AbortController().signal

/** Of every kind that leads, or may lead, into a network of our own. */
const unsafe = {
  'IPv4, loopback': ['127.0.0.1', '127.1.2.3', '0.0.0.0'],
  'IPv4, private': ['10.0.0.1', '172.16.0.1', '192.168.0.1'],
  'IPv4, link-local': ['169.254.1.1'],
  'the metadata service': ['169.254.169.254', 'fd00:ec2::254'],
  'carrier-grade NAT': ['100.64.0.1', '100.100.100.200'],
  'IPv4, multicast and broadcast': ['224.0.0.1', '255.255.255.255'],
  'IPv6, loopback and unspecified': ['::1', '::'],
  'IPv4 in IPv6': [
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
  ],
  NAT64: ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '64:ff9b:1:ffff::a00:1'],
  '6to4': ['2002:7f00:1::', '2002:a00:1::1'],
  Teredo: ['2001::7f00:1', '2001:0:7f00:1::1'],
  'unique local': ['fc00::1', 'fd12:3456::1'],
  'IPv6, link-local and site-local': ['fe80::1', 'fec0::1'],
  'IPv6, multicast': ['ff02::1', 'ff0e::1'],
  'with a zone': ['fe80::1%lo', 'fe80::1%1', '::1%lo'],
}

describe('posting', () => {
  let server: Server
  let port: number
  let connections: string[]
  const sockets = new Set<Socket>()
  const posters: Poster[] = []

  /** Listens on every address of the machine, so that whatever arrives where it may not is seen. */
  before(async () => {
    server = createServer((_, res) => res.end('ok')).on('connection', (socket: Socket) => {
      connections.push((socket.localAddress ?? '').replace('::ffff:', ''))
      sockets.add(socket.on('close', () => sockets.delete(socket)))
    })
    await once(server.listen(0), 'listening')
    port = (server.address() as AddressInfo).port
  })
  beforeEach(() => {
    connections = []
  })
  afterEach(() => {
    for (const { close } of posters.splice(0)) close()
  })
  after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  function poster(names: Record<string, string[][]> = {}, options: Partial<PostOptions> = {}) {
    const { resolve, asked } = createResolve(names)
    const created = createPoster({
      allow: [`${reachable}/32`],
      http: true,
      timeoutMs: 5_000,
      clock: Date.now,
      resolve,
      ...options,
    })
    posters.push(created)
    const to = async (url: string) => {
      const posted = await created.post({ url, headers: {}, body: '{}' }, never)
      if (posted.outcome === 'answered') return posted.status
      return posted.outcome === 'unanswered' ? posted.error : posted.outcome
    }
    return { to, asked }
  }

  for (const [kind, addresses] of Object.entries(unsafe)) {
    it(`connects to no name that leads to ${kind}`, async () => {
      for (const address of addresses) {
        const { to } = poster({ 'a.example': [[address]] })
        assert.equal(await to(`http://a.example:${port}/`), 'address-refused', address)
        const { to: https } = poster({ 'a.example': [[address]] }, { http: false })
        assert.equal(await https(`https://a.example:${port}/`), 'address-refused', address)
      }
      assert.deepEqual(connections, [])
    })

    it(`connects to no URL that names ${kind}`, async () => {
      for (const address of addresses) {
        const host = address.includes(':') ? `[${address}]` : address
        const answer = await poster().to(`http://${host}:${port}/`)
        // A zone has no place in a URL.
        assert.equal(answer, address.includes('%') ? 'url-invalid' : 'address-refused', address)
      }
      assert.deepEqual(connections, [])
    })
  }

  it('connects to no name of which one address of several is unsafe', async () => {
    for (const answers of [
      [reachable, '127.0.0.1'],
      ['127.0.0.1', reachable],
      [reachable, '::1', reachable],
    ]) {
      const { to } = poster({ 'a.example': [answers] })
      assert.equal(await to(`http://a.example:${port}/`), 'address-refused')
    }
    assert.deepEqual(connections, [])
  })

  it('connects to no address in a disguise that URLs know', async () => {
    const { to, asked } = poster()
    for (const host of ['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '127.0.0.1.', '①②⑦.0.0.1', '0']) {
      assert.equal(await to(`http://${host}:${port}/`), 'address-refused', host)
    }
    assert.deepEqual([connections, asked], [[], []])
  })

  it('connects to no name of this machine', async () => {
    const { to } = poster({}, { resolve: resolveBySystem })
    for (const host of ['localhost', 'LOCALHOST']) {
      assert.equal(await to(`http://${host}:${port}/`), 'address-refused', host)
    }
    // Not every system knows it with its dot.
    assert.notEqual(await to(`http://localhost.:${port}/`), 200)
    assert.deepEqual(connections, [])
  })

  it('goes to the very address that was checked, whatever the name answers later', async () => {
    const { to, asked } = poster({ 'turning.example': [[reachable], ['127.0.0.1']] })
    assert.equal(await to(`http://turning.example:${port}/`), 200)
    assert.deepEqual([asked.length, connections], [1, [reachable]])
    // The connection that is kept was checked; the name is not asked again for it.
    assert.equal(await to(`http://turning.example:${port}/`), 200)
    assert.deepEqual([asked.length, connections.length], [1, 1])
  })

  it('makes no new connection to a name that leads inside by now', async () => {
    const { to } = poster(
      { 'turning.example': [[reachable], ['127.0.0.1']] },
      { connections: { ageMsMax: -1 } },
    )
    assert.equal(await to(`http://turning.example:${port}/`), 200)
    assert.equal(await to(`http://turning.example:${port}/`), 'address-refused')
    assert.deepEqual(connections, [reachable])
  })

  it('speaks plain http only where the configuration has it', async () => {
    const { to } = poster({ 'a.example': [[reachable]] }, { http: false })
    assert.equal(await to(`http://a.example:${port}/`), 'not-https')
    assert.deepEqual(connections, [])
  })

  it('takes no URL of another kind, and none with a password', async () => {
    const { to } = poster({ 'a.example': [[reachable]] })
    assert.equal(await to('nonsense'), 'url-invalid')
    assert.equal(await to(`http://user:secret@a.example:${port}/`), 'url-invalid')
    for (const url of [
      `ftp://a.example:${port}/`,
      'file:///etc/passwd',
      'data:text/plain,x',
      'unix:/run/x.sock',
    ]) {
      assert.equal(await to(url), 'not-https', url)
    }
    assert.deepEqual(connections, [])
  })

  it('uses no proxy of the environment', async () => {
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']
    const before = names.map((name) => process.env[name])
    for (const name of names) process.env[name] = `http://127.0.0.1:${port}`
    try {
      const { to } = poster({ 'a.example': [[reachable]] })
      assert.equal(await to(`http://a.example:${port}/`), 200)
      assert.deepEqual(connections, [reachable])
    } finally {
      names.forEach((name, i) => {
        if (before[i] === undefined) delete process.env[name]
        else process.env[name] = before[i]
      })
    }
  })
})
