import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import type { Redis } from 'ioredis'
import request from 'supertest'
import { createReadHead } from '../../../src/events/head.ts'
import { transferSchema } from '../../../src/events/transfer-resource.ts'
import { createEventRoutes } from '../../../src/http/api/events.ts'
import {
  type AccountTerms,
  createTransferRoutes,
  type RegistrationDeps,
} from '../../../src/http/api/transfers.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { genericLimits } from '../../../src/providers/generic/limits.ts'
import type { RedisState } from '../../../src/queue/redis-guard.ts'
import { transferIdOf } from '../../../src/store/ids.ts'
import { createApiApp } from '../../support/api-app.ts'
import { batchesOf } from '../../support/batches.ts'
import { createTestFeed, testEpoch } from '../../support/feed.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, digestPerson, type TestStore } from '../../support/store.ts'
import { beneficiary, newReference } from '../../support/zenospay.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const accounts = new Map<string, AccountTerms>([
  [
    'zeno-main',
    { currency: 'IDR', beneficiaries: ['bank'], referencesUniqueIn: 'account', limits: genericLimits },
  ],
  [
    'wx-main',
    { currency: 'CNY', beneficiaries: ['wechatpay'], referencesUniqueIn: 'batch', limits: genericLimits },
  ],
])

describe('API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let app: Express
  let state: RedisState
  let logger: ReturnType<typeof createMemoryLogger>

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    state = { state: 'ok' }
    logger = createMemoryLogger()
    const { authenticate } = createTokens([
      {
        id: 'ledger',
        sha256: sha256('ledger-token'),
        scopes: ['transfers:read', 'transfers:write', 'events:read'],
      },
      { id: 'viewer', sha256: sha256('viewer-token'), scopes: ['transfers:read'] },
    ])
    const routes = [
      createTransferRoutes({
        ...registrationDeps(store),
        batches: batchesOf(store, redis),
        authenticate,
        unavailable: () => (state.state === 'ok' ? undefined : `redis-${state.state}`),
      }),
      createEventRoutes({
        authenticate,
        feed: createTestFeed(store),
        readHead: createReadHead({ log: store.log, epoch: testEpoch }),
        stopping: new AbortController().signal,
        clock: Date.now,
        logger,
      }),
    ]
    app = createApiApp({
      routes,
      ops: Router(),
      authenticate,
      redisState: () => state,
      clock: Date.now,
      logger,
    })
  })
  after(() => clients.closeAll())

  /** All but who may ask. */
  function registrationDeps({ intents, register, vault }: TestStore): Omit<RegistrationDeps, 'authenticate'> {
    return {
      intents,
      register,
      vault,
      accounts,
      digestPerson,
      digestContent: sha256,
      unavailable: () => undefined,
      pumpReady: async () => 0,
      clock: Date.now,
      logger,
    }
  }

  const body = (fields: Record<string, unknown> = {}) => ({
    account: 'zeno-main',
    reference: newReference(),
    amount: { value: '25000.00', currency: 'IDR' },
    beneficiary,
    ...fields,
  })
  const get = (path: string, token = 'ledger-token') =>
    request(app).get(path).set('authorization', `Bearer ${token}`)
  const post = (content: unknown, token = 'ledger-token') =>
    request(app)
      .post('/v1/transfers')
      .set('authorization', `Bearer ${token}`)
      .send(content as object)

  const postText = (text: string, type = 'application/json') =>
    request(app)
      .post('/v1/transfers')
      .set('authorization', 'Bearer ledger-token')
      .set('content-type', type)
      .send(text)

  async function nothingStored(): Promise<void> {
    assert.deepEqual(await redis.keys(`${store.prefix}:*`), [])
  }

  describe('POST /v1/transfers', () => {
    it('registers a transfer to a WeChat Pay user, with as much as is known of them', async () => {
      const amount = { value: '1.00', currency: 'CNY' }
      for (const openid of [
        { openid: 'o-1' },
        { openid: 'o-1', name: '张三', idCard: '11010119900101001X' },
      ]) {
        const asked = body({ account: 'wx-main', amount, beneficiary: openid })
        const response = await post(asked)
        assert.equal(response.status, 201)
        assert.deepEqual(transferSchema.strict().parse(response.body).beneficiary, openid)
        assert.equal((await post(asked)).status, 200, 'the same content again')
        assert.equal((await post({ ...asked, beneficiary: { openid: 'o-2' } })).status, 409)
      }
    })

    it('registers a transfer and shows it', async () => {
      const asked = body({ metadata: { order: '7' }, providerReference: 'inquiry-1' })
      const response = await post(asked)
      assert.equal(response.status, 201)
      const shown = transferSchema.strict().parse(response.body)
      assert.equal(shown.state, 'registered')
      assert.equal(shown.held, false)
      assert.equal(shown.sequence, 1)
      assert.deepEqual(shown.amount, asked.amount)
      assert.deepEqual(shown.beneficiary, asked.beneficiary)
      assert.equal(response.headers.location, `/v1/transfers/${shown.id}`)
      assert.deepEqual((await get(`/v1/transfers/${shown.id}`)).body, response.body)
      const listed = await get(`/v1/transfers?account=zeno-main&reference=${asked.reference}`)
      assert.deepEqual(listed.body, { items: [response.body], next: null })
    })

    it('answers the same content again with 200 and other content with 409', async () => {
      const asked = body()
      const first = await post(asked)
      const { account, reference, amount } = asked
      const reordered = { beneficiary: asked.beneficiary, amount, reference, account }
      const second = await post(reordered)
      assert.equal(second.status, 200)
      assert.deepEqual(second.body, first.body)

      const others = [
        { amount: { value: '25000.01', currency: 'IDR' } },
        { beneficiary: { ...beneficiary, name: 'Jane Doe' } },
        { metadata: { order: '8' } },
        { providerReference: 'inquiry-2' },
      ]
      for (const other of others) {
        const response = await post({ ...asked, ...other })
        assert.equal(response.status, 409)
        assert.equal(response.body.code, 'reference-conflict')
      }
      assert.deepEqual((await get(`/v1/transfers/${first.body.id}`)).body, first.body)
    })

    it('takes the same amount written otherwise for the same content', async () => {
      const asked = body()
      await post(asked)
      assert.equal((await post({ ...asked, amount: { value: '25000', currency: 'IDR' } })).status, 200)
    })

    const bad: [string, Record<string, unknown>, string, string][] = [
      ['an exponent', { amount: { value: '1e3', currency: 'IDR' } }, 'amount.value', 'not-a-decimal'],
      [
        'too many decimals',
        { amount: { value: '1.234', currency: 'IDR' } },
        'amount.value',
        'too-many-decimals',
      ],
      ['a negative amount', { amount: { value: '-1.00', currency: 'IDR' } }, 'amount.value', 'not-a-decimal'],
      ['forty digits', { amount: { value: '9'.repeat(40), currency: 'IDR' } }, 'amount.value', 'too-large'],
      ['a number', { amount: { value: 25000, currency: 'IDR' } }, 'amount.value', 'invalid-type'],
      ['nothing', { amount: { value: '0.00', currency: 'IDR' } }, 'amount.value', 'not-positive'],
      ['no amount', { amount: undefined }, 'amount', 'invalid-type'],
      [
        'a currency that is none',
        { amount: { value: '1', currency: 'ABC' } },
        'amount.currency',
        'unknown-currency',
      ],
      [
        'another currency than the account’s',
        { amount: { value: '1', currency: 'EUR' } },
        'amount.currency',
        'wrong-currency',
      ],
      ['an unknown account', { account: 'nobody' }, 'account', 'unknown-account'],
      ['a field that is not known', { ammount: 1 }, 'ammount', 'unknown-field'],
      ['a submission without credentials', { submit: true }, 'submit', 'submission-not-configured'],
      ['a reference with a line break', { reference: 'a\nb' }, 'reference', 'invalid-format'],
      [
        'a name with a control character',
        { beneficiary: { ...beneficiary, name: 'a\u0000b' } },
        'beneficiary.name',
        'invalid-format',
      ],
      [
        'half a beneficiary',
        { beneficiary: { bankCode: '002' } },
        'beneficiary.accountNumber',
        'invalid-type',
      ],
      [
        'an openid at an account that pays to banks',
        { beneficiary: { openid: 'o-1' } },
        'beneficiary',
        'wrong-beneficiary',
      ],
      [
        'a bank at an account that pays to openids',
        { account: 'wx-main', amount: { value: '1.00', currency: 'CNY' } },
        'beneficiary',
        'wrong-beneficiary',
      ],
      [
        'a beneficiary that is both',
        { beneficiary: { ...beneficiary, openid: 'o-1' } },
        'beneficiary.bankCode',
        'unknown-field',
      ],
      ['an empty openid', { beneficiary: { openid: '' } }, 'beneficiary.openid', 'too-small'],
      ['a beneficiary that is text', { beneficiary: 'o-1' }, 'beneficiary', 'invalid-type'],
    ]
    for (const [title, fields, path, code] of bad) {
      it(`refuses ${title} with its place, and stores nothing`, async () => {
        const response = await post(body(fields))
        assert.equal(response.status, 422)
        assert.match(response.headers['content-type'] ?? '', /^application\/problem\+json/)
        assert.equal(response.body.code, 'invalid-request')
        const found = response.body.errors.find((error: { path: string }) => error.path === path)
        assert.equal(found?.code, code, JSON.stringify(response.body.errors))
        assert.ok(found.message)
        await nothingStored()
      })
    }

    it('lists every fault at once', async () => {
      const response = await post({ account: '', reference: 7, amount: { value: 'x', currency: 'IDR' } })
      const paths = response.body.errors.map(({ path }: { path: string }) => path)
      assert.deepEqual(new Set(paths), new Set(['account', 'reference', 'amount.value', 'beneficiary']))
    })

    it('refuses what is not JSON with 400', async () => {
      for (const text of ['{', 'null x', '{"a":1,}', 'account=1']) {
        const response = await postText(text)
        assert.equal(response.status, 400, text)
        assert.equal(response.body.code, 'malformed-json')
      }
      await nothingStored()
    })

    it('refuses JSON that is no object with 422', async () => {
      for (const text of ['[]', '"x"', '7', 'null']) {
        const response = await postText(text)
        assert.ok([400, 422].includes(response.status), `${text}: ${response.status}`)
      }
      assert.equal(
        (await request(app).post('/v1/transfers').set('authorization', 'Bearer ledger-token')).status,
        422,
      )
      await nothingStored()
    })

    it('refuses another type with 415, and a compressed body', async () => {
      const typed = await postText(JSON.stringify(body()), 'text/plain')
      assert.equal(typed.status, 415)
      const packed = await postText('{}').set('content-encoding', 'gzip')
      assert.equal(packed.status, 415)
    })

    it('refuses a body over 8 MiB with 413', async () => {
      const response = await post(body({ metadata: { order: 'x'.repeat(8 * 1024 * 1024) } }))
      assert.equal(response.status, 413)
      assert.equal(response.body.code, 'body-too-large')
    })

    it('treats __proto__ as the field that it is', async () => {
      const text = JSON.stringify(body()).replace('{', '{"__proto__":{"submit":true},')
      const response = await postText(text)
      assert.equal(response.status, 422)
      await nothingStored()
    })
  })

  describe('access', () => {
    it('needs a token that is known: 401', async () => {
      for (const header of [
        '',
        'Bearer',
        'Bearer wrong',
        'Basic bGVkZ2VyLXRva2Vu',
        `Bearer ${sha256('ledger-token')}`,
      ]) {
        const response = await request(app).get('/v1/events').set('authorization', header)
        assert.equal(response.status, 401, header)
        assert.equal(response.body.code, 'unauthenticated')
        assert.equal(response.headers['www-authenticate'], 'Bearer')
      }
    })

    it('is asked for before a body is read', async () => {
      const response = await request(app)
        .post('/v1/transfers')
        .set('content-type', 'application/json')
        .send('{')
      assert.equal(response.status, 401)
    })

    it('needs the scope: 403', async () => {
      const response = await post(body(), 'viewer-token')
      assert.equal(response.status, 403)
      assert.equal(response.body.code, 'missing-scope')
      assert.match(response.body.detail, /transfers:write/)
      assert.equal((await get('/v1/events', 'viewer-token')).status, 403)
      await nothingStored()
    })
  })

  describe('GET /v1/transfers', () => {
    it('answers 404 for an id that is not there or cannot be one', async () => {
      for (const id of ['tr-00000000000000000000000000', 'x', 'tr-', '..%2f..', '%00']) {
        const response = await get(`/v1/transfers/${id}`)
        assert.equal(response.status, 404, id)
        assert.equal(response.body.code, 'not-found')
      }
      assert.equal((await get('/v1/transfers/%')).status, 404)
    })

    it('lists by account and reference, and says so where one is missing', async () => {
      assert.deepEqual((await get('/v1/transfers?account=zeno-main&reference=none')).body, {
        items: [],
        next: null,
      })
      const response = await get('/v1/transfers?account=zeno-main')
      assert.equal(response.status, 422)
      assert.equal(response.body.errors[0].path, 'reference')
    })
  })

  describe('GET /v1/events', () => {
    it('shows what was registered, and a cursor that goes on', async () => {
      const registered = await post(body())
      const page = await get('/v1/events')
      assert.equal(page.body.events.length, 1)
      assert.deepEqual(page.body.events[0].data.object, registered.body)
      const again = await get(`/v1/events?after=${page.body.next}`)
      assert.deepEqual(again.body.events, [])
      assert.ok(again.body.next)
    })

    const bad: [string, string][] = [
      ['after=nonsense', 'after'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['limit=x', 'limit'],
      ['wait=61', 'wait'],
      ['types=nothing.v1', 'types[0]'],
      ['types=tallyhook.transfer.*,nothing.v1', 'types[1]'],
      ['unknown=1', 'unknown'],
      ['after=a&after=b', 'after'],
    ]
    for (const [query, path] of bad) {
      it(`refuses ${query}`, async () => {
        const response = await get(`/v1/events?${query}`)
        assert.equal(response.status, 422)
        assert.equal(response.body.errors[0].path, path)
      })
    }
  })

  describe('health', () => {
    it('lives while it runs, and is ready while Redis is', async () => {
      assert.equal((await request(app).get('/healthz')).status, 200)
      assert.equal((await request(app).get('/readyz')).status, 200)
      state = { state: 'full', reason: 'Redis uses 9 of 10 bytes.' }
      assert.deepEqual((await request(app).get('/healthz')).body.redis, state)
      const response = await request(app).get('/readyz')
      assert.equal(response.status, 503)
      assert.deepEqual(response.body, { status: 'not-ready', redis: state })
    })
  })

  it('answers 404 as a problem for what is not there', async () => {
    const response = await request(app).get('/v2/nothing')
    assert.equal(response.status, 404)
    assert.equal(response.body.type, 'urn:tallyhook:problem:not-found')
    assert.equal(response.headers['x-powered-by'], undefined)
  })

  it('answers another method with 405 and those that there are', async () => {
    for (const [path, allow] of [
      ['/v1/transfers', 'GET, HEAD, POST'],
      ['/v1/transfers/tr-1', 'GET, HEAD'],
      ['/v1/events', 'GET, HEAD'],
      ['/v1/events/head', 'GET, HEAD'],
      ['/v1/events/stream', 'GET, HEAD'],
    ] as const) {
      const response = await request(app).delete(path).set('authorization', 'Bearer ledger-token')
      assert.equal(response.status, 405)
      assert.equal(response.headers.allow, allow)
    }
  })

  it('registers nothing while Redis is filling up: the room that is left is for the workers', async () => {
    const known = body()
    assert.equal((await post(known)).status, 201)
    state = { state: 'full', reason: 'Redis uses 9 of 10 bytes.' }
    const refused = body()
    const response = await post(refused)
    assert.equal(response.status, 503)
    assert.equal(response.body.code, 'redis-full')
    assert.ok(response.headers['retry-after'])
    const id = transferIdOf('zeno-main', refused.reference)
    assert.equal(await store.intents.find(id), undefined)
    state = { state: 'ok' }
    assert.equal((await post(refused)).status, 201)
  })

  /** The transfers' calls alone, on a store that does as the test wants. */
  function appOn(parts: TestStore) {
    const routes = createTransferRoutes({
      ...registrationDeps(parts),
      batches: batchesOf(store, redis),
      authenticate: () => ({ id: 'x', scopes: ['transfers:read', 'transfers:write'] }),
    })
    return createApiApp({
      routes: [routes],
      ops: Router(),
      authenticate: () => ({ id: 'x', scopes: [] }),
      redisState: () => state,
      clock: Date.now,
      logger,
    })
  }

  it('answers 503 when Redis is full, and stores nothing', async () => {
    const full = Object.assign(new Error('OOM command not allowed when used memory > maxmemory.'), {
      name: 'ReplyError',
    })
    const lame = appOn({ ...store, register: () => Promise.reject(full) })
    const response = await request(lame).post('/v1/transfers').set('authorization', 'Bearer x').send(body())
    assert.equal(response.status, 503)
    assert.equal(response.body.code, 'redis-full')
  })

  it('answers 503 when Redis fails a request, and the client may come again', async () => {
    const broken = await clients.open('fail-fast')
    broken.disconnect()
    const lame = appOn(createTestStore(broken))
    const response = await request(lame)
      .get('/v1/transfers/tr-00000000000000000000000000')
      .set('authorization', 'Bearer x')
    assert.equal(response.status, 503)
    assert.equal(response.body.code, 'redis-away')
    assert.ok(response.headers['retry-after'])
  })

  it('names the same route where it is refused', async () => {
    await post({}).expect(422)
    const line = logger.lines.find(({ event }) => event === 'request.finished')
    assert.deepEqual([line?.fields.status, line?.fields.route], [422, '/v1/transfers'])
  })

  it('writes one line a request, with who asked and without what', async () => {
    await post(
      body({ beneficiary: { ...beneficiary, name: 'Planted Name' }, reference: 'Planted-Reference' }),
    )
    const line = logger.lines.find(({ event }) => event === 'request.finished')
    assert.equal(line?.fields.principal, 'ledger')
    assert.equal(line?.fields.status, 201)
    assert.equal(line?.fields.route, '/v1/transfers')
    const said = JSON.stringify(logger.lines)
    assert.ok(!said.includes('Planted') && !said.includes('ledger-token'))
  })
})
