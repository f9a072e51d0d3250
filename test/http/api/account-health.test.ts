import assert from 'node:assert/strict'
import { Router } from 'express'
import type { Redis } from 'ioredis'
import request from 'supertest'
import { createAccountHealthRoutes } from '../../../src/http/api/account-health.ts'
import { createPauseRoutes, createPausing } from '../../../src/http/api/pauses.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { createReadBalance, type KeptBalance } from '../../../src/store/balances.ts'
import { createCallLimits } from '../../../src/store/call-limits.ts'
import { createDelayCounts, delayClassOf, delayField } from '../../../src/store/delay-counts.ts'
import { createKeyUsage } from '../../../src/store/key-usage.ts'
import { createKeys } from '../../../src/store/keys.ts'
import { createPauses } from '../../../src/store/pauses.ts'
import { createPendingCounts } from '../../../src/store/pending-counts.ts'
import { loadScripts } from '../../../src/store/scripts.ts'
import { createApiApp } from '../../support/api-app.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients, uniquePrefix } from '../../support/redis.ts'
import { sha256 } from '../../support/small-api.ts'

const { authenticate } = createTokens([
  { id: 'viewer', sha256: sha256('viewer'), scopes: ['ops:read'] },
  { id: 'operator', sha256: sha256('operator'), scopes: ['ops:read', 'ops:act'] },
  { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:read'] },
])
const accounts = [
  { id: 'zeno', provider: 'zenospay', currency: 'IDR', calls: true, balance: true },
  { id: 'mute', provider: 'generic', currency: 'USD', calls: false, balance: false },
  { id: 'still', provider: 'wechatpay', currency: 'CNY', calls: true, balance: false },
]
const nowAt = Date.parse('2026-11-21T10:00:00.000Z')
const limit = { bucket: 'ask', count: 50, perMs: 1_000 }

describe('accounts in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open('fail-fast')
  })
  after(() => clients.closeAll())

  /** One process with the API; two of the same prefix are two processes. */
  async function start(prefix = uniquePrefix(), held: KeptBalance['balance'] | 'none' = 'none') {
    const client = await clients.open('fail-fast')
    const keys = createKeys(prefix, 4)
    const scripts = loadScripts(client)
    const limits = createCallLimits({ redis: client, scripts, keys })
    const usage = createKeyUsage({ redis: client, scripts, keys })
    const logger = createMemoryLogger()
    const asked: string[] = []
    const pauses = createPauses({ redis: client, keys, pausedByConfiguration: (id) => id === 'still' })
    const ask = async (account: string) => {
      asked.push(account)
      return held === 'none' ? undefined : held
    }
    const app = createApiApp({
      routes: [
        createAccountHealthRoutes({
          authenticate,
          accounts,
          usage,
          pauses,
          pending: createPendingCounts({ redis: client, keys }),
          delays: createDelayCounts({ redis: client, keys }),
          callState: (account) => limits.stateOf(account, [limit]),
          readBalance: createReadBalance({ redis: client, keys, ask, clock: () => nowAt }),
        }),
        createPauseRoutes({
          authenticate,
          accounts,
          pausing: createPausing({ pauses, clock: () => nowAt, logger }),
        }),
      ],
      ops: Router(),
      authenticate,
      redisState: () => ({ state: 'ok' as const }),
      clock: Date.now,
      logger,
    })
    const bearer = (token: string) => `Bearer ${token}`
    return {
      keys,
      limits,
      usage,
      pauses,
      logger,
      asked,
      get: (path: string, token = 'viewer') =>
        request(app).get(`/v1${path}`).set('authorization', bearer(token)),
      post: (path: string, body: object, token = 'operator') =>
        request(app).post(`/v1${path}`).set('authorization', bearer(token)).send(body),
    }
  }

  it('show how one does', async () => {
    const balance = { available: '1000000.00', reserved: '5.00', currency: 'IDR' }
    const api = await start(uniquePrefix(), balance)
    const { keys } = api
    api.usage.note('zeno', 'old', nowAt - 5_000)
    api.usage.note('zeno', 'new', nowAt - 1_000)
    await api.usage.flush()
    await redis.zadd(keys.watch(0, 'zeno'), 1, 'a', 2, 'b')
    await redis.zadd(keys.watch(3, 'zeno'), 1, 'c')
    await redis.zadd(keys.overdue(3, 'zeno'), 1, 'c')
    await redis.zadd(keys.watch(1, 'mute'), 1, 'd')
    await redis.hset(keys.delays(0), delayField('zeno', '5s'), 2, delayField('mute', '5s'), 9)
    await redis.hset(keys.delays(2), delayField('zeno', '5s'), 1, delayField('zeno', 'more'), 4)
    const { body, status } = await api.get('/accounts/zeno')
    assert.equal(status, 200)
    assert.deepEqual(body, {
      account: 'zeno',
      provider: 'zenospay',
      currency: 'IDR',
      submissions: { paused: false, byConfiguration: false, byOperator: null },
      lastCallbackAt: '2026-11-21T09:59:59.000Z',
      pending: { count: 3, overdue: 1, overdueShare: 0.3333 },
      breaker: { state: 'closed', failures: 0, retryAt: null },
      limits: [{ ...limit, free: 6, nextFreeInMs: 0 }],
      timeToCallback: {
        ...{ '1s': 0, '5s': 3, '15s': 0, '1m': 0, '5m': 0, '15m': 0, '1h': 0, '6h': 0, '1d': 0, more: 4 },
      },
      balance: { ...balance, askedAt: '2026-11-21T10:00:00.000Z' },
      balanceMissing: null,
    })
  })

  it('say of one that calls nobody that it does not, and of one without a callback that there was none', async () => {
    const { body } = await (await start()).get('/accounts/mute')
    assert.deepEqual([body.breaker, body.limits, body.lastCallbackAt], [null, [], null])
    assert.deepEqual([body.balance, body.balanceMissing], [null, 'not-offered'])
    assert.deepEqual(body.pending, { count: 0, overdue: 0, overdueShare: 0 })
  })

  it('show the breaker and the budget that other processes have moved', async () => {
    const prefix = uniquePrefix()
    const [api, worker] = [await start(prefix), await start(prefix)]
    const call = { account: 'zeno', bucket: 'ask' }
    const hourly = { ...limit, perMs: 3_600_000 }
    await worker.limits.take({ ...call, limits: [hourly], mayProbe: true, waitMsMax: 0, probeMs: 1 })
    for (let i = 0; i < 5; i++)
      await worker.limits.note({ ...call, outcome: 'unknown', health: 'bad', durationMs: 1 })
    const { body } = await api.get('/accounts/zeno')
    assert.equal(body.breaker.state, 'open')
    assert.equal(body.breaker.failures, 5)
    assert.ok(Math.abs(Date.parse(body.breaker.retryAt) - Date.now() - 5_000) < 4_000)
    assert.equal((await api.limits.stateOf('zeno', [hourly])).limits[0]?.free, 5)
  })

  it('ask for a balance once a minute, however often and wherever they are looked at', async () => {
    const prefix = uniquePrefix()
    const held = { available: '7.00', currency: 'IDR' }
    const apis = [await start(prefix, held), await start(prefix, held)]
    for (const api of apis) {
      const answers = await Promise.all([1, 2, 3].map(() => api.get('/accounts/zeno')))
      for (const { body } of answers) assert.equal(body.balance.available, '7.00')
    }
    assert.deepEqual(
      apis.map(({ asked }) => asked.length),
      [1, 0],
    )
    const [api] = apis
    assert.ok(api)
    const leftMs = await redis.pttl(api.keys.balance('zeno'))
    assert.ok(leftMs > 30_000 && leftMs <= 60_000)
    await api.get('/accounts')
    assert.equal(api.asked.length, 1, 'a list costs no call')
  })

  it('say that there was no answer to it, and do not ask again at once', async () => {
    const api = await start()
    for (let i = 0; i < 3; i++) {
      const { body } = await api.get('/accounts/zeno')
      assert.deepEqual([body.balance, body.balanceMissing], [null, 'no-answer'])
    }
    assert.equal(api.asked.length, 1)
  })

  it('are listed in the order of the configuration, with what is cheap to know', async () => {
    const { body } = await (await start()).get('/accounts')
    assert.deepEqual(
      body.items.map(({ account }: { account: string }) => account),
      ['zeno', 'mute', 'still'],
    )
    assert.equal(body.next, null)
    assert.deepEqual(Object.keys(body.items[0]), [
      ...['account', 'provider', 'currency', 'submissions', 'lastCallbackAt', 'pending', 'breaker'],
    ])
    assert.deepEqual(body.items[2].submissions, { paused: true, byConfiguration: true, byOperator: null })
  })

  it('are shown to whoever may look, and paused by whoever may act', async () => {
    const api = await start()
    assert.equal((await api.get('/accounts', 'ledger')).status, 403)
    assert.equal((await api.get('/accounts/zeno', 'ledger')).status, 403)
    assert.equal((await api.get('/accounts/zeno', 'nobody')).status, 401)
    assert.equal((await api.get('/accounts/unknown')).status, 404)
    for (const act of ['pause', 'resume']) {
      assert.equal((await api.post(`/accounts/zeno/${act}`, { reason: 'x' }, 'viewer')).status, 403)
      assert.equal((await api.post(`/accounts/unknown/${act}`, { reason: 'x' })).status, 404)
      for (const body of [{}, { reason: '' }, { reason: 'two\nlines' }, { reason: 'x', more: 1 }])
        assert.equal((await api.post(`/accounts/zeno/${act}`, body)).body.code, 'invalid-request')
      assert.equal((await api.get(`/accounts/zeno/${act}`)).status, 405)
    }
    assert.equal((await api.post('/accounts/zeno', {})).status, 405)
    assert.equal(await api.pauses.isPaused('zeno'), false)
  })

  describe('paused by an operator', () => {
    it('are so for every process at once, with who, why and when, until resumed', async () => {
      const prefix = uniquePrefix()
      const [api, worker] = [await start(prefix), await start(prefix)]
      assert.equal(await worker.pauses.isPaused('zeno'), false)
      const paused = await api.post('/accounts/zeno/pause', { reason: 'the bank called' })
      const byOperator = { by: 'operator', reason: 'the bank called', at: '2026-11-21T10:00:00.000Z' }
      const submissions = { paused: true, byConfiguration: false, byOperator }
      assert.deepEqual(paused.body, { account: 'zeno', submissions })
      assert.equal(await worker.pauses.isPaused('zeno'), true)
      assert.equal(await worker.pauses.isPaused('mute'), false)
      assert.deepEqual((await worker.get('/accounts/zeno')).body.submissions, submissions)

      const again = await worker.post('/accounts/zeno/pause', { reason: 'me too' })
      assert.deepEqual(again.body, paused.body, 'the first one stands')
      const resumed = await worker.post('/accounts/zeno/resume', { reason: 'all is well' })
      assert.deepEqual(resumed.body.submissions, { paused: false, byConfiguration: false, byOperator: null })
      assert.equal((await api.post('/accounts/zeno/resume', { reason: 'all is well' })).status, 200)
      assert.equal(await api.pauses.isPaused('zeno'), false)
      const told = [...api.logger.lines, ...worker.logger.lines].filter(({ event }) =>
        event.startsWith('submissions.'),
      )
      assert.deepEqual(
        told.map(({ event, fields }) => [event, fields.account, fields.principal, fields.reason]),
        [
          ['submissions.paused', 'zeno', 'operator', 'the bank called'],
          ['submissions.resumed', 'zeno', 'operator', 'all is well'],
        ],
      )
    })

    it('or by the configuration, which no call can lift', async () => {
      const api = await start()
      assert.equal(await api.pauses.isPaused('still'), true)
      await api.post('/accounts/still/pause', { reason: 'twice' })
      const refused = await api.post('/accounts/still/resume', { reason: 'please' })
      assert.deepEqual([refused.status, refused.body.code], [409, 'cannot-resume'])
      const { submissions } = (await api.get('/accounts/still')).body
      assert.equal(submissions.byOperator.reason, 'twice', 'nothing was changed')
    })
  })

  it('count a time to the callback under the class that holds it', () => {
    const classes = [0, 1_000, 1_001, 60_000, 86_400_000, 86_400_001].map(delayClassOf)
    assert.deepEqual(classes, ['1s', '1s', '5s', '1m', '1d', 'more'])
  })
})
