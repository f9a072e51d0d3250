import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { couponSchema } from '../../../src/events/coupon-resource.ts'
import type { CouponTerms } from '../../../src/http/api/coupon-request.ts'
import { createCouponRoutes } from '../../../src/http/api/coupons.ts'
import { couponRequest, createSayingReconcile, numberIdOf, useOf } from '../../support/coupons.ts'
import { createTestClients } from '../../support/redis.ts'
import { authenticate, createSmallApi, sha256 } from '../../support/small-api.ts'
import { createTestStore, digestPerson, type TestStore } from '../../support/store.ts'
import { newReference } from '../../support/zenospay.ts'

const accounts = new Map<string, CouponTerms>([
  ['zeno-main', { currency: 'IDR' }],
  ['wx-test', { currency: 'CNY', coupons: true }],
])

describe('coupons in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let api: ReturnType<typeof createSmallApi>
  let pumped: number
  let unavailable: 'redis-full' | undefined

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    pumped = 0
    unavailable = undefined
    const logger = createSmallApi([]).logger
    api = createSmallApi(
      [
        createCouponRoutes({
          ...store,
          authenticate,
          accounts,
          digestPerson,
          digestContent: sha256,
          unavailable: () => unavailable,
          pumpReady: async () => void pumped++,
          clock: Date.now,
          logger,
        }),
      ],
      logger,
    )
  })
  after(() => clients.closeAll())

  it('registers a coupon and shows it, by id and by reference', async () => {
    const asked = couponRequest()
    const made = await api.post('/coupons', asked)
    assert.equal(made.status, 201)
    assert.equal(made.headers.location, `/v1/coupons/${made.body.id}`)
    const { account, reference, stockId, appid, amount, openid, name, idCard } = asked
    const { createdAt, updatedAt, ...shown } = couponSchema.strict().parse(made.body)
    assert.ok(createdAt && updatedAt)
    assert.deepEqual(shown, {
      id: made.body.id,
      account,
      reference,
      held: false,
      sequence: 1,
      stockId,
      appid,
      amount,
      holder: { openid, name, idCard },
      state: 'registered',
      uses: [],
    })
    assert.deepEqual((await api.get(`/coupons/${made.body.id}`)).body, made.body)
    const listed = await api.get(`/coupons?account=wx-test&reference=${reference}`)
    assert.deepEqual(listed.body, { items: [made.body], next: null })
    const none = await api.get('/coupons?account=wx-test&reference=another')
    assert.deepEqual(none.body, { items: [], next: null })
  })

  it('is idempotent: the same content is the same coupon, other content is refused', async () => {
    const asked = couponRequest({ providerReference: 'c-1' })
    const made = await api.post('/coupons', asked)
    const again = await api.post('/coupons', asked)
    assert.deepEqual([again.status, again.body], [200, made.body])
    for (const other of [
      { amount: { value: '10.01', currency: 'CNY' } },
      { amount: undefined },
      { openid: 'o-2' },
      { stockId: '1' },
      { appid: 'wx1' },
      { name: '李四' },
      { idCard: '1' },
      { providerReference: 'c-2' },
      { providerReference: undefined },
    ]) {
      const response = await api.post('/coupons', { ...asked, ...other })
      assert.deepEqual(
        [response.status, response.body.code],
        [409, 'reference-conflict'],
        JSON.stringify(other),
      )
    }
    assert.deepEqual((await api.get(`/coupons/${made.body.id}`)).body, made.body)
  })

  it('takes one that was granted elsewhere as granted, with what came of it before', async () => {
    const reconcile = createSayingReconcile(store)
    assert.equal((await reconcile.applyOne(useOf('c-9', 't-1', 300n))).outcome, 'parked')
    const made = await api.post('/coupons', couponRequest({ providerReference: 'c-9', amount: undefined }))
    assert.deepEqual([made.status, made.body.state, made.body.sequence], [201, 'granted', 2])
    assert.equal(made.body.providerReference, 'c-9')
    assert.equal(pumped, 1)
    await store.ready.pump(async (receipts) => void (await reconcile.applyAll(receipts)))
    const { body: shown } = await api.get(`/coupons/${made.body.id}`)
    assert.deepEqual(shown.consumed, { value: '3.00', currency: 'CNY' })
    assert.deepEqual(
      shown.uses.map(({ transaction, amount }: { transaction: string; amount: object }) => [
        transaction,
        amount,
      ]),
      [['t-1', { value: '3.00', currency: 'CNY' }]],
    )
    couponSchema.strict().parse(shown)
  })

  it('refuses a number that is another coupon’s, and changes nothing', async () => {
    const first = await api.post('/coupons', couponRequest({ providerReference: 'c-1' }))
    const reference = newReference()
    const second = await api.post('/coupons', couponRequest({ reference, providerReference: 'c-1' }))
    assert.equal(second.status, 422)
    assert.deepEqual(second.body.errors, [
      {
        path: 'providerReference',
        code: 'provider-reference-taken',
        message: `It is the number of ${first.body.id}.`,
      },
    ])
    assert.deepEqual((await api.get(`/coupons?account=wx-test&reference=${reference}`)).body.items, [])
    assert.equal((await store.intents.find(numberIdOf('c-1')))?.id, first.body.id)
  })

  it('lists every fault at once, and keeps nothing', async () => {
    const response = await api.post('/coupons', {
      account: 'zeno-main',
      reference: 'a b',
      stockId: '123456789012345678901',
      openid: 'x'.repeat(129),
      appid: '',
      amount: { value: '1.001', currency: 'CNY' },
      name: '名'.repeat(72),
      colour: 'red',
    })
    assert.equal(response.status, 422)
    const found = response.body.errors.map(
      ({ path, code }: { path: string; code: string }) => `${path} ${code}`,
    )
    assert.deepEqual(found.sort(), [
      'account wrong-provider',
      'amount.currency wrong-currency',
      'amount.value too-many-decimals',
      'appid invalid-format',
      'appid too-small',
      'colour unknown-field',
      'idCard invalid-type',
      'name invalid-value',
      'openid too-big',
      'reference invalid-format',
      'stockId too-big',
    ])
    assert.deepEqual(await redis.keys(`${store.prefix}:*`), [])
  })

  const faults: [string, Record<string, unknown>, string][] = [
    ['an account that there is not', { account: 'nobody' }, 'account'],
    ['a reference that WeChat Pay does not take', { reference: 'ref.1' }, 'reference'],
    ['a reference of 129 characters', { reference: 'r'.repeat(129) }, 'reference'],
    ['no reference', { reference: undefined }, 'reference'],
    ['another currency', { amount: { value: '10.00', currency: 'USD' } }, 'amount.currency'],
    ['nothing to grant', { amount: { value: '0.00', currency: 'CNY' } }, 'amount.value'],
    ['no name', { name: undefined }, 'name'],
    ['a name of two lines', { name: 'a\nb' }, 'name'],
    ['a coupon number with a space', { providerReference: 'c 1' }, 'providerReference'],
    ['a submission', { submit: true }, 'submit'],
  ]
  for (const [what, fields, path] of faults) {
    it(`refuses ${what}`, async () => {
      const response = await api.post('/coupons', couponRequest(fields))
      assert.equal(response.status, 422)
      assert.deepEqual(
        [...new Set(response.body.errors.map((error: { path: string }) => error.path))],
        [path],
      )
    })
  }

  it('takes what is just within the limits', async () => {
    const asked = { reference: 'A9|_*-'.padEnd(128, 'z'), stockId: '1'.repeat(20), openid: 'x'.repeat(128) }
    assert.equal((await api.post('/coupons', couponRequest({ ...asked, name: '名'.repeat(71) }))).status, 201)
  })

  it('shows that a holder was erased', async () => {
    const made = await api.post('/coupons', couponRequest())
    const found = await store.intents.find(made.body.id)
    await store.vault.forget(found?.personal.person ?? '')
    const { body: shown } = await api.get(`/coupons/${made.body.id}`)
    assert.deepEqual(shown.holder, { erased: true })
    couponSchema.strict().parse(shown)
  })

  it('keeps who holds it out of Redis and the log, in the clear', async () => {
    await api.post(
      '/coupons',
      couponRequest({ openid: 'openid-of-somebody', name: 'Some Body', idCard: '9988776655' }),
    )
    const dumps = await Promise.all(
      (await redis.keys(`${store.prefix}:*`)).map((key) => redis.dumpBuffer(key)),
    )
    const all = [...dumps.map((dump) => dump?.toString('latin1')), JSON.stringify(api.logger.lines)].join()
    for (const secret of ['openid-of-somebody', 'Some Body', '9988776655'])
      assert.ok(!all.includes(secret), secret)
  })

  it('asks for the scopes, knows its methods, and takes nothing while nothing can be kept', async () => {
    assert.equal((await api.post('/coupons', couponRequest(), 'viewer')).status, 403)
    assert.equal((await api.post('/coupons', couponRequest(), 'nobody')).status, 401)
    const { id } = (await api.post('/coupons', couponRequest())).body
    assert.equal((await api.get(`/coupons/${id}`, 'viewer')).status, 200)
    assert.equal((await api.get(`/coupons/${id}`, 'other')).status, 403)
    assert.equal((await api.get('/coupons?account=a&reference=b', 'other')).status, 403)
    assert.equal((await api.post(`/coupons/${id}`, {})).headers.allow, 'GET, HEAD')
    for (const wrong of ['co-1', `tr-${id.slice(3)}`, `${id.slice(0, -1)}0x`])
      assert.equal((await api.get(`/coupons/${wrong}`)).status, 404, wrong)
    for (const query of ['', '?account=wx-test', '?reference=x', '?account=a&reference=b&what=1'])
      assert.equal((await api.get(`/coupons${query}`)).status, 422, query)
    unavailable = 'redis-full'
    assert.equal((await api.post('/coupons', couponRequest())).body.code, 'redis-full')
  })
})
