import assert from 'node:assert/strict'
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { isAlive } from '../../src/embedded/live-process.ts'
import { callbackQueueName } from '../../src/queue/catalogue.ts'
import { createConnect } from '../../src/queue/connections.ts'
import { describeDisbursement, type SignedCallback, signCallback } from '../../src/sandbox/signed-callback.ts'
import { createFolder, type Folder, type Program, readEvents, type SeenEvent } from '../support/program.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { beneficiary, disbursement, newReference } from '../support/zenospay.ts'

describe('the built program', function () {
  this.timeout(90_000)
  let place: Folder
  beforeEach(() => {
    place = createFolder()
  })
  afterEach(() => place.dispose())

  const sandbox = () =>
    JSON.parse(readFileSync(join(place.dataDir, 'sandbox.json'), 'utf8')) as {
      providerPrivateKey: string
      partnerId: string
    }
  const providerKey = (): KeyObject => createPrivateKey(sandbox().providerPrivateKey)

  function sign(reference: string): SignedCallback {
    const body = describeDisbursement(disbursement({ reference }))
    return signCallback(body, {
      privateKey: providerKey(),
      partnerId: sandbox().partnerId,
      path: '/callbacks/zeno-sandbox',
      now: Date.now(),
    })
  }

  async function register(program: Pick<Program, 'apiUrl'>, reference: string): Promise<void> {
    const answer = await fetch(`${program.apiUrl}/v1/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${place.token()}` },
      body: JSON.stringify({
        account: 'zeno-sandbox',
        reference,
        amount: { value: '25000.00', currency: 'IDR' },
        beneficiary,
      }),
    })
    assert.equal(answer.status, 201)
  }

  async function callBack(
    program: Pick<Program, 'callbackUrl'>,
    { headers, body }: SignedCallback,
  ): Promise<Response> {
    return fetch(`${program.callbackUrl}/callbacks/zeno-sandbox`, { method: 'POST', headers, body })
  }

  async function eventsOf(program: Pick<Program, 'apiUrl'>, reference: string): Promise<SeenEvent[]> {
    return (await readEvents(program.apiUrl, place.token())).filter(
      ({ data }) => data.object.reference === reference,
    )
  }

  const typesOf = async (program: Pick<Program, 'apiUrl'>, reference: string) =>
    (await eventsOf(program, reference)).map(({ type }) => type)

  const settled = (program: Pick<Program, 'apiUrl'>, reference: string) =>
    until('the event', async () =>
      (await typesOf(program, reference)).includes('tallyhook.transfer.succeeded.v1'),
    )

  async function stop(program: Program, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const startedAt = Date.now()
    program.child.kill(signal)
    assert.equal(await program.exited, 0)
    assert.ok(Date.now() - startedAt < 10_000)
  }

  it('starts with nothing but Node.js, turns a signed callback into one event, and stops cleanly', async () => {
    const program = await place.start()
    assert.ok(program.readyMs < 15_000, `ready after ${program.readyMs} ms`)
    const reference = newReference()
    await register(program, reference)
    const callback = sign(reference)
    for (let i = 0; i < 5; i++) {
      const answer = await callBack(program, callback)
      assert.equal(answer.status, 200)
      assert.deepEqual(await answer.json(), { status: true })
    }
    // The same fact in a new envelope.
    await callBack(program, sign(reference))
    await settled(program, reference)
    const [registered, succeeded, ...more] = await eventsOf(program, reference)
    assert.equal(succeeded?.type, 'tallyhook.transfer.succeeded.v1')
    assert.equal(succeeded.sequence, 2)
    assert.equal(succeeded.previousid, registered?.id)
    assert.equal(succeeded.data.because.source, 'callback')
    assert.deepEqual(more, [])
    assert.equal((await callBack(program, { ...callback, body: `${callback.body} ` })).status, 401)

    const redisPid = place.redisPid() ?? 0
    await stop(program)
    assert.equal(isAlive(redisPid), false)
    assert.equal(existsSync(join(place.dataDir, 'running.json')), false)
  })

  it('shows its keys, finds them right, and shows what it refused', async () => {
    const program = await place.start()
    const reference = newReference()
    await register(program, reference)
    const callback = sign(reference)
    assert.equal((await callBack(program, callback)).status, 200)
    assert.equal((await callBack(program, { ...callback, body: `${callback.body} ` })).status, 401)

    const check = await place.run(['keys', 'check'])
    assert.deepEqual([check.code, check.stdout], [0, 'Every key is right.'])
    await until('the counts', async () => {
      const { stdout } = await place.run(['keys', 'show', '--json'])
      return JSON.parse(stdout).accounts[0].keys[0].count > 0
    })
    const list = await place.run(['quarantine', 'list', '--json'])
    const [refused] = JSON.parse(list.stdout).items
    assert.equal(refused.reason, 'signature-wrong')
    const again = await place.run(['quarantine', 'accept', refused.id])
    assert.deepEqual([again.code, again.stdout], [1, 'Still refused: signature-wrong.'])
    await stop(program)
    const alone = await place.run(['keys', 'check'])
    assert.equal(alone.code, 1)
    assert.match(alone.stdout, /^No Redis runs on /)
  })

  it('loses nothing that it acknowledged when it is killed before reconciling', async () => {
    const first = await place.start()
    const connection = createConnect({ kind: 'socket', path: join(place.dataDir, 'redis/redis.sock') })(
      'wait',
      'test',
    )
    const queue = new Queue(callbackQueueName, { connection, prefix: '{tallyhook:q}' })
    await queue.pause()
    const references = Array.from({ length: 20 }, newReference)
    for (const reference of references) await register(first, reference)
    const answers = await Promise.all(references.map((reference) => callBack(first, sign(reference))))
    for (const answer of answers) assert.equal(answer.status, 200)
    for (const reference of references)
      assert.deepEqual(await typesOf(first, reference), ['tallyhook.transfer.registered.v1'])

    first.child.kill('SIGKILL')
    await first.exited
    const second = await place.start()
    await queue.resume()
    for (const reference of references) await settled(second, reference)
    for (const reference of references) {
      assert.deepEqual(await typesOf(second, reference), [
        'tallyhook.transfer.registered.v1',
        'tallyhook.transfer.succeeded.v1',
      ])
    }
    await queue.close()
    connection.disconnect()
    await stop(second)
  })

  it('applies a callback that came before its transfer was registered', async () => {
    const program = await place.start()
    const reference = newReference()
    assert.equal((await callBack(program, sign(reference))).status, 200)
    await until('the parked callback', () =>
      program.lines.some((line) => line.includes('"outcome":"parked"')),
    )
    await register(program, reference)
    await settled(program, reference)
    await stop(program)
  })

  it('shows life at once: the sandbox pays and is called back', async () => {
    const program = await place.start()
    const event = await until('a payout of the sandbox', async () =>
      (await readEvents(program.apiUrl, place.token())).find(
        ({ type, data }) =>
          /\.(succeeded|failed)\.v1$/.test(type) && data.object.reference.startsWith('payout'),
      ),
    )
    assert.ok(['succeeded', 'failed'].includes(event.data.object.state))
    await stop(program)
  })

  it('drains on a Ctrl-C to the whole group, and Redis ends after it', async () => {
    const program = await place.start()
    const reference = newReference()
    await register(program, reference)
    await callBack(program, sign(reference))
    const redisPid = place.redisPid() ?? 0
    process.kill(-(program.child.pid ?? 0), 'SIGINT')
    assert.equal(await program.exited, 0)
    assert.equal(isAlive(redisPid), false)
    const again = await place.start()
    await settled(again, reference)
    await stop(again)
  })

  it('answers whoever waits for events at once when it stops', async () => {
    const program = await place.start('all', { LOG_LEVEL: 'debug' })
    const { next } = (await (
      await fetch(`${program.apiUrl}/v1/events?limit=1000`, {
        headers: { authorization: `Bearer ${place.token()}` },
      })
    ).json()) as { next: string }
    const waiting = fetch(
      `${program.apiUrl}/v1/events?types=tallyhook.transfer.returned.v1&wait=60&after=${next}`,
      { headers: { authorization: `Bearer ${place.token()}` } },
    )
    const asked = () => program.lines.filter((line) => /"request.started".*"\/v1\/events"/.test(line)).length
    await until('both requests to have come', () => asked() === 2)
    const stopped = stop(program)
    assert.deepEqual(((await (await waiting).json()) as { events: unknown[] }).events, [])
    await stopped
  })

  it('stops cleanly though somebody holds connections and says nothing', async () => {
    const program = await place.start()
    const sockets = [program.callbackUrl, program.apiUrl].map((url) =>
      connect(Number(new URL(url).port), '127.0.0.1'),
    )
    for (const socket of sockets) {
      socket.on('error', () => {})
      await once(socket, 'connect')
    }
    sockets[0]?.write('POST /callbacks/zeno-sandbox HTTP/1.1\r\nHost: x\r\nContent-Len')
    await stop(program)
    for (const socket of sockets) socket.destroy()
  })

  it('ends without a word of readiness when it is stopped while it starts', async () => {
    const launched = await place.run([], {}, 'SIGTERM')
    assert.equal(launched.code, 0)
    assert.ok(!launched.stdout.includes('"event":"ready"'))
    const pid = place.redisPid()
    assert.ok(pid === undefined || !isAlive(pid))
  })

  it('is started by npm as well, which hands it the signal', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const program = await place.start(undefined, { TALLYHOOK_DATA_DIR: place.dataDir }, [
      'npm',
      '--prefix',
      root,
      'start',
    ])
    const redisPid = place.redisPid() ?? 0
    assert.equal(isAlive(redisPid), true)
    await stop(program)
    assert.equal(isAlive(redisPid), false)
  })

  it('is refused a data directory that another one uses, in one sentence', async () => {
    const program = await place.start()
    const second = await place.run([])
    assert.equal(second.code, 1)
    assert.match(
      second.stderr,
      /^tallyhook: Process \d+ runs on .*; stop it, or set TALLYHOOK_DATA_DIR to another directory\.\n$/,
    )
    await stop(program)
  })

  it('stops with one sentence on a configuration that is off, a port that is taken, and words that it does not know', async () => {
    writeFileSync(join(place.folder, 'off.yaml'), 'accounts: []\n')
    const off = await place.run([], { TALLYHOOK_CONFIG: 'off.yaml' })
    assert.deepEqual([off.code, off.stderr], [1, 'tallyhook: accounts: It needs at least one account.\n'])
    const unknown = await place.run(['dance'])
    assert.deepEqual(
      [unknown.code, unknown.stderr],
      [2, 'tallyhook: there is no dance; tallyhook --help lists what there is.\n'],
    )
    assert.equal((await place.run(['--help'])).code, 0)
    assert.match((await place.run(['--version'])).stdout, /^\d+\.\d+\.\d+$/)
    const program = await place.start()
    const { port } = new URL(program.apiUrl)
    const taken = await place.run([], { API_PORT: port, TALLYHOOK_DATA_DIR: 'other' })
    assert.equal(taken.code, 1)
    assert.match(taken.stderr, /The port is in use/)
    await stop(program)
  })

  it('`tallyhook send` sends a callback, also a wrong one', async () => {
    const program = await place.start()
    const sent = await place.run(['send', '--json'])
    assert.equal(sent.code, 0)
    const { reference, status } = JSON.parse(sent.stdout) as { reference: string; status: number }
    assert.equal(status, 200)
    await settled(program, reference)
    assert.deepEqual(
      await Promise.all(
        [['--wrong-signature'], ['--stale']].map(
          async (flags) => (await place.run(['send', '--reference', reference, ...flags])).code,
        ),
      ),
      [1, 1],
    )
    assert.match((await place.run(['send', '--reference', 'r-1', '--curl'])).stdout, /^curl -i -X POST http/)
    const off = await place.run(['send', '--amount', '1e3'])
    assert.equal(off.code, 2)
    assert.match(off.stderr, /--amount/)
    await stop(program)
  })

  describe('on a Redis that is given', () => {
    let redis: Awaited<ReturnType<typeof startRedisServer>>
    afterEach(() => redis.stop())

    it('runs serve and work apart', async () => {
      redis = await startRedisServer()
      const env = { REDIS_URL: redis.url }
      const [serve, work] = await Promise.all([place.start('serve', env), place.start('work', env)])
      assert.equal(work.callbackUrl, undefined)
      const reference = newReference()
      await register(serve, reference)
      assert.equal((await callBack(serve, sign(reference))).status, 200)
      await settled(serve, reference)
      await Promise.all([stop(serve), stop(work)])
    })

    it('runs by a configuration, though no data directory is there', async () => {
      redis = await startRedisServer()
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const secret = () => randomBytes(32).toString('base64')
      const file = join(place.folder, 'tallyhook.json')
      const settings = {
        accounts: [
          {
            id: 'zeno-main',
            provider: 'zenospay',
            partnerId: 'p',
            currency: 'IDR',
            providerPublicKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
          },
        ],
        api: {
          tokens: [
            {
              id: 't',
              sha256: createHash('sha256').update('real-token').digest('hex'),
              scopes: ['events:read'],
            },
          ],
        },
        seal: { keys: [{ id: 'k1', key: secret() }], indexKey: secret() },
      }
      writeFileSync(file, JSON.stringify(settings))
      const program = await place.start('all', { TALLYHOOK_CONFIG: file, REDIS_URL: redis.url })
      const body = describeDisbursement(disbursement({ reference: newReference() }))
      const signed = signCallback(body, {
        privateKey,
        partnerId: 'p',
        path: '/callbacks/zeno-main',
        now: Date.now(),
      })
      const answer = await fetch(`${program.callbackUrl}/callbacks/zeno-main`, { method: 'POST', ...signed })
      assert.equal(answer.status, 200)
      await stop(program)
    })

    it('refuses one that would lose data, in one sentence', async () => {
      redis = await startRedisServer({ appendfsync: 'everysec' })
      const refused = await place.run([], { REDIS_URL: redis.url })
      assert.equal(refused.code, 1)
      assert.match(
        refused.stderr,
        /^tallyhook: Redis would lose data: appendfsync must be always\. .*durability\.onWeaker/,
      )
    })

    it('answers 503 while it is gone, says so, and stops cleanly all the same', async () => {
      redis = await startRedisServer()
      const program = await place.start('all', { REDIS_URL: redis.url })
      const reference = newReference()
      await register(program, reference)
      await redis.stop()
      await until('the missing Redis', async () => (await fetch(`${program.apiUrl}/readyz`)).status === 503)
      assert.equal((await fetch(`${program.apiUrl}/healthz`)).status, 200)
      const startedAt = Date.now()
      const answer = await callBack(program, sign(reference))
      assert.equal(answer.status, 503)
      assert.ok(answer.headers.get('retry-after'))
      assert.ok(Date.now() - startedAt < 1_000)
      await stop(program)
    })
  })
})
