import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { BatchId } from '../../../src/domain/ids.ts'
import { batchSchema } from '../../../src/events/batch-resource.ts'
import { transferSchema } from '../../../src/events/transfer-resource.ts'
import { encodeTombstone } from '../../../src/store/codec/tombstone.ts'
import { createBatchApp } from '../../support/batch-app.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, readAllEvents, type TestStore } from '../../support/store.ts'
import { beneficiary } from '../../support/zenospay.ts'

interface Fault {
  path: string
  code: string
}

const idr = (value: string) => ({ value, currency: 'IDR' })
const cny = (value: string) => ({ value, currency: 'CNY' })

const transferOf = (n: number) => ({ reference: `salary-${n}`, amount: idr('25000.00'), beneficiary })
const batchOf = (fields: Record<string, unknown> = {}) => ({
  account: 'zeno-test',
  reference: 'may-2025',
  name: 'Wages',
  remark: 'May 2025',
  transfers: [1, 2, 3].map(transferOf),
  ...fields,
})
const wechatTransferOf = (n: number) => ({
  reference: `salary${n}`,
  amount: cny('12.34'),
  beneficiary: { openid: `openid-${n}` },
})
const wechatOf = (fields: Record<string, unknown> = {}) => ({
  account: 'wx-test',
  reference: 'may2025',
  name: 'Wages',
  remark: 'May 2025',
  transfers: [1, 2, 3].map(wechatTransferOf),
  wechatpay: {
    authorizationType: 'INFORMATION_AUTHORIZATION_TYPE',
    subMchid: '1900000109',
    subAppid: 'wxf1',
  },
  ...fields,
})

describe('POST /v1/batches', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let app: ReturnType<typeof createBatchApp>
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    app = createBatchApp(store)
  })
  after(() => clients.closeAll())

  /** The faults, in no order, and nothing kept. */
  async function refused(content: object): Promise<string[]> {
    const before = await redis.keys(`${store.prefix}:*`)
    const response = await app.post('/v1/batches', content)
    assert.equal(response.status, 422, JSON.stringify(response.body))
    assert.match(String(response.headers['content-type']), /problem\+json/)
    assert.deepEqual((await redis.keys(`${store.prefix}:*`)).sort(), before.sort())
    return (response.body.errors as Fault[]).map(({ path, code }) => `${path} ${code}`).sort()
  }

  it('registers a batch with its transfers, and shows them in order', async () => {
    const asked = batchOf({ total: { count: 3, amount: idr('75000.00') } })
    const response = await app.post('/v1/batches', asked)
    assert.equal(response.status, 201, JSON.stringify(response.body))
    const batch = batchSchema.strict().parse(response.body)
    assert.equal(response.headers.location, `/v1/batches/${batch.id}`)
    assert.equal(batch.state, 'registered')
    assert.deepEqual(batch.amount, idr('75000.00'))
    assert.deepEqual(batch.totals, { registered: { count: 3, amount: idr('75000.00') } })
    assert.deepEqual((await app.get(`/v1/batches/${batch.id}`, 'viewer')).body, response.body)
    const found = await app.get('/v1/batches?account=zeno-test&reference=may-2025')
    assert.deepEqual(found.body, { items: [response.body], next: null })

    const first = await app.get(`/v1/batches/${batch.id}/transfers?limit=2`)
    assert.deepEqual(
      first.body.items.map((one: { reference: string }) => one.reference),
      ['salary-1', 'salary-2'],
    )
    const second = await app.get(`/v1/batches/${batch.id}/transfers?limit=2&after=${first.body.next}`)
    assert.equal(second.body.next, null)
    const [third] = second.body.items
    const shown = transferSchema.strict().parse(third)
    assert.deepEqual(shown.beneficiary, beneficiary)
    assert.equal(shown.batch, batch.id)
    const byReference = await app.get('/v1/transfers?account=zeno-test&reference=salary-3')
    assert.deepEqual(byReference.body.items, [third])
  })

  it('lists the transfers in one state', async () => {
    const { body } = await app.post('/v1/batches', batchOf())
    const list = (query: string) => app.get(`/v1/batches/${body.id}/transfers?${query}`)
    assert.equal((await list('state=registered')).body.items.length, 3)
    assert.deepEqual((await list('state=succeeded')).body, { items: [], next: null })
    const page = (await list('state=registered&limit=1')).body
    assert.equal((await list(`state=registered&limit=2&after=${page.next}`)).body.items.length, 2)
    assert.equal((await list('state=paid')).status, 422)
    assert.equal((await list('after=-1')).status, 422)
  })

  it('answers the same content again with 200 and other content with 409', async () => {
    const first = await app.post('/v1/batches', batchOf())
    const { transfers, ...rest } = batchOf()
    const again = await app.post('/v1/batches', { transfers, ...rest })
    assert.equal(again.status, 200)
    assert.deepEqual(again.body, first.body)
    const others = [
      { name: 'Other' },
      { remark: 'Other' },
      { transfers: [3, 2, 1].map(transferOf) },
      { transfers: [1, 2].map(transferOf) },
      { transfers: [1, 2, 3].map((n) => ({ ...transferOf(n), remark: 'x' })) },
    ]
    for (const other of others) {
      const response = await app.post('/v1/batches', batchOf(other))
      assert.equal(response.status, 409)
      assert.equal(response.body.code, 'reference-conflict')
    }
    assert.equal((await readAllEvents(store)).length, 4)
  })

  it('says of an archived one that the archive is away, and not that there is none', async () => {
    const { body } = await app.post('/v1/batches', batchOf())
    await redis.set(store.keys.intent(body.id), encodeTombstone(await batchIn(body.id), 'nowhere'))
    for (const path of [`/v1/batches/${body.id}`, '/v1/batches?account=zeno-test&reference=may-2025']) {
      const response = await app.get(path)
      assert.equal(response.status, 503, path)
      assert.equal(response.body.code, 'archive-unavailable')
    }
    const joiner = { ...transferOf(4), account: 'zeno-test', batch: body.id }
    assert.equal((await app.post('/v1/transfers', joiner)).status, 503)
  })

  async function batchIn(id: BatchId) {
    return (await store.intents.find(id)) ?? assert.fail('There is no batch.')
  }

  it('names every reference that is registered already', async () => {
    const single = { account: 'zeno-test', ...transferOf(2) }
    assert.equal((await app.post('/v1/transfers', single)).status, 201)
    assert.equal(
      (await app.post('/v1/batches', batchOf({ reference: 'b-0', transfers: [transferOf(3)] }))).status,
      201,
    )
    const response = await app.post('/v1/batches', batchOf())
    assert.equal(response.status, 409)
    assert.deepEqual(
      response.body.errors.map(({ path, code }: Fault) => `${path} ${code}`),
      ['transfers[1].reference reference-conflict', 'transfers[2].reference reference-conflict'],
    )
    assert.equal((await app.get('/v1/transfers?account=zeno-test&reference=salary-1')).body.items.length, 0)
    assert.equal((await app.post('/v1/transfers', { account: 'zeno-test', ...transferOf(3) })).status, 409)
  })

  it('lets a transfer join, and says why not', async () => {
    const { body: batch } = await app.post('/v1/batches', batchOf())
    const single = { account: 'zeno-test', ...transferOf(9), batch: batch.id }
    const joined = await app.post('/v1/transfers', single)
    assert.equal(joined.status, 201, JSON.stringify(joined.body))
    assert.equal(joined.body.batch, batch.id)
    assert.equal((await app.post('/v1/transfers', single)).status, 200)
    assert.equal((await app.post('/v1/transfers', { ...single, batch: undefined })).status, 409)
    assert.deepEqual((await app.get(`/v1/batches/${batch.id}`)).body.amount, idr('100000.00'))
    const listed = await app.get(`/v1/batches/${batch.id}/transfers`)
    assert.deepEqual(listed.body.items[3], joined.body)

    const unknown = await app.post('/v1/transfers', { ...single, reference: 'x', batch: 'ba-1' })
    assert.equal(unknown.status, 422)
    assert.deepEqual(unknown.body.errors[0].path, 'batch')
    const { body: wechat } = await app.post('/v1/batches', wechatOf())
    const other = { account: 'wx-test', ...wechatTransferOf(9), batch: wechat.id }
    const refusal = await app.post('/v1/transfers', other)
    assert.deepEqual([refusal.status, refusal.body.code], [409, 'batch-not-open'])
    const foreign = await app.post('/v1/transfers', { ...single, reference: 'y', batch: wechat.id })
    assert.deepEqual([foreign.status, foreign.body.code], [409, 'batch-not-open'])
  })

  it('wants a token that may', async () => {
    assert.equal((await app.post('/v1/batches', batchOf(), 'viewer')).status, 403)
    assert.equal((await app.get('/v1/batches?account=a&reference=b', 'nobody')).status, 401)
    assert.equal((await app.get('/v1/batches/ba-unknown')).status, 404)
    assert.equal((await app.get('/v1/batches/ba-unknown/transfers')).status, 404)
  })

  describe('bad input', () => {
    it('names every fault of every transfer at once', async () => {
      const faults = await refused(
        batchOf({
          name: 7,
          total: { count: 4 },
          surprise: true,
          transfers: [
            transferOf(1),
            { ...transferOf(1), amount: idr('0.00') },
            { ...transferOf(2), beneficiary: { openid: 'o-1' } },
            { ...transferOf(3), amount: { value: '1.00', currency: 'EUR' } },
            { ...transferOf(4), beneficiary: { ...beneficiary, name: 'Jo', accountNumber: '12-34' } },
            { ...transferOf(5), amount: idr('10.50') },
            'nothing',
          ],
        }),
      )
      assert.deepEqual(faults, [
        'name invalid-type',
        'surprise unknown-field',
        'total.count does-not-add-up',
        'transfers[1].amount.value not-positive',
        'transfers[1].reference repeated-reference',
        'transfers[2].beneficiary wrong-beneficiary',
        'transfers[3].amount.currency wrong-currency',
        'transfers[4].beneficiary.accountNumber account-number-refused',
        'transfers[4].beneficiary.name name-refused',
        'transfers[5].amount.value amount-refused',
        'transfers[6] invalid-type',
      ])
    })

    it('refuses totals that do not add up', async () => {
      const total = { count: 2, amount: idr('75000.01') }
      assert.deepEqual(await refused(batchOf({ total })), [
        'total.amount does-not-add-up',
        'total.count does-not-add-up',
      ])
    })

    it('refuses repeated references, naming each but the first', async () => {
      const transfers = [1, 2, 1, 1].map(transferOf)
      assert.deepEqual(await refused(batchOf({ transfers })), [
        'transfers[2].reference repeated-reference',
        'transfers[3].reference repeated-reference',
      ])
    })

    it('refuses 3,001 transfers, none at all, and a sum beyond 18 digits', async () => {
      const many = Array.from({ length: 3001 }, (_, i) => transferOf(i))
      assert.deepEqual(await refused(batchOf({ transfers: many })), ['transfers too-big'])
      assert.deepEqual(await refused(batchOf({ transfers: [] })), ['transfers too-small'])
      const amount = { value: '9999999999999999.99', currency: 'EUR' }
      const transfers = [1, 2].map((n) => ({ ...transferOf(n), amount }))
      assert.deepEqual(await refused(batchOf({ account: 'acme', transfers })), ['transfers too-large'])
    })

    it('refuses an unknown account, a submit, and terms of WeChat Pay for another provider', async () => {
      assert.deepEqual(await refused(batchOf({ account: 'nobody' })), ['account unknown-account'])
      assert.deepEqual(await refused(batchOf({ submit: true })), ['submit submission-not-configured'])
      const { wechatpay } = wechatOf()
      assert.deepEqual(await refused(batchOf({ wechatpay })), ['wechatpay not-for-account'])
      assert.deepEqual(await refused(batchOf({ account: 'acme', wechatpay })), [
        ...[0, 1, 2].map((i) => `transfers[${i}].amount.currency wrong-currency`),
        'wechatpay not-for-account',
      ])
    })

    it('refuses what WeChat Pay refuses', async () => {
      assert.equal((await app.post('/v1/batches', wechatOf())).status, 201)
      const wechatpay = {
        authorizationType: 'FUND_AUTHORIZATION_TYPE',
        subMchid: '1900000109',
        subAppid: 'wxf1',
      }
      const faults = await refused(
        wechatOf({
          reference: 'may-2025',
          name: '工'.repeat(33),
          remark: '资'.repeat(32),
          wechatpay,
          transfers: [
            { ...wechatTransferOf(1), beneficiary: { openid: 'o-1', name: '张三' } },
            { ...wechatTransferOf(2), reference: 'no-2' },
            { ...wechatTransferOf(3), amount: cny('2000.00') },
            { ...wechatTransferOf(4), beneficiary: { openid: 'o-4', idCard: '11010119900101001X' } },
            { ...wechatTransferOf(5), remark: 'x'.repeat(33), beneficiary: { openid: 'o-5', name: '王五' } },
          ],
        }),
      )
      assert.deepEqual(faults, [
        'name too-long',
        'reference reference-refused',
        'transfers[1].beneficiary.name name-needed',
        'transfers[1].reference reference-refused',
        'transfers[2].beneficiary.name name-needed',
        'transfers[3].beneficiary.idCard name-needed',
        'transfers[3].beneficiary.name name-needed',
        'transfers[4].remark too-long',
        'wechatpay.spAppid required',
      ])
      assert.deepEqual(await refused(wechatOf({ wechatpay: undefined })), ['wechatpay required'])
      assert.deepEqual(await refused(wechatOf({ wechatpay: { ...wechatpay, authorizationType: 'ALL' } })), [
        'wechatpay.authorizationType invalid-value',
      ])
    })

    it('holds a single transfer to the same', async () => {
      const response = await app.post('/v1/transfers', {
        account: 'zeno-test',
        ...transferOf(1),
        beneficiary: { ...beneficiary, name: 'J' },
        amount: idr('1000000000000.00'),
      })
      assert.equal(response.status, 422)
      assert.deepEqual(
        response.body.errors.map(({ path }: Fault) => path),
        ['beneficiary.name', 'amount.value'],
      )
    })
  })

  it('takes 3,000 transfers in one call', async function () {
    this.timeout(60_000)
    const transfers = Array.from({ length: 3000 }, (_, i) => transferOf(i))
    const startedAt = performance.now()
    const response = await app.post('/v1/batches', batchOf({ transfers }))
    assert.equal(response.status, 201)
    const registered = performance.now()
    const faulty = transfers.map((one) => ({
      ...one,
      beneficiary: { ...beneficiary, name: 'Jo' },
    }))
    const refusal = await app.post('/v1/batches', batchOf({ reference: 'other', transfers: faulty }))
    assert.equal(refusal.body.errors.length, 3000)
    const refusedAt = performance.now()
    console.log(
      `      registered in ${Math.round(registered - startedAt)} ms, refused in ${Math.round(refusedAt - registered)} ms`,
    )
    assert.deepEqual(response.body.totals.registered, { count: 3000, amount: idr('75000000.00') })
    assert.equal((await app.post('/v1/batches', batchOf({ transfers }))).status, 200)
  })
})
