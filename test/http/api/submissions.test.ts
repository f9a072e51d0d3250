import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { beginSending, markOverdue, type Sendable, sendWithBatch } from '../../../src/domain/submission.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import { batchSchema } from '../../../src/events/batch-resource.ts'
import { couponSchema } from '../../../src/events/coupon-resource.ts'
import { transferSchema } from '../../../src/events/transfer-resource.ts'
import { describeDisbursement } from '../../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../../src/store/ids.ts'
import { dyingAfter } from '../../support/batches.ts'
import { couponRequest } from '../../support/coupons.ts'
import { createTestClients } from '../../support/redis.ts'
import { createSendingApi } from '../../support/sending-api.ts'
import {
  createTestReconcile,
  createTestStore,
  readAllEvents,
  receiptOf,
  type TestStore,
} from '../../support/store.ts'
import { beneficiary, disbursement, newReference } from '../../support/zenospay.ts'

type Fields = Record<string, unknown>

const transferOf = (fields: Fields = {}) => ({
  account: 'zeno-test',
  reference: newReference(),
  amount: { value: '25000.00', currency: 'IDR' },
  beneficiary,
  ...fields,
})

const memberOf = (n: number) => ({
  reference: newReference(),
  amount: { value: '25000.00', currency: 'IDR' },
  beneficiary,
  remark: `No. ${n}`,
})
const batchOf = (fields: Fields = {}) => ({
  account: 'zeno-test',
  reference: newReference(),
  name: 'Wages',
  remark: 'May',
  transfers: [1, 2].map(memberOf),
  ...fields,
})
const wechatBatchOf = (fields: Fields = {}) => ({
  account: 'wx-test',
  reference: 'may2025',
  name: 'Wages',
  remark: 'May',
  transfers: [1, 2].map((n) => ({
    reference: `salary${n}`,
    amount: { value: '12.34', currency: 'CNY' },
    beneficiary: { openid: `openid-${n}` },
  })),
  wechatpay: {
    authorizationType: 'INFORMATION_AUTHORIZATION_TYPE',
    subMchid: '1900000109',
    subAppid: 'wxf1',
  },
  ...fields,
})

const inEachKind: [string, (fields?: Fields) => Fields][] = [
  ['/transfers', transferOf],
  ['/batches', batchOf],
  ['/batches', wechatBatchOf],
  ['/coupons', couponRequest],
]

describe('sending by the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let api: ReturnType<typeof createSendingApi>

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    api = createSendingApi(store)
  })
  after(() => clients.closeAll())

  const find = async (id: string) => {
    const found = await store.intents.find(id as Sendable['id'])
    if (!found || found.kind === 'collection') throw new Error(`There is no ${id}.`)
    return found
  }
  /** As whoever does it decides it. */
  async function move(id: string, decide: (before: Sendable) => ReturnType<typeof beginSending>) {
    const before = await find(id)
    const step = decide(before)
    assert.ok(step)
    const because = { source: 'watch' } as const
    const commit = await store.intents.commit({ before, steps: [step], because, at: Date.now() })
    assert.equal(commit.outcome, 'committed')
  }
  async function watchedAt(id: string): Promise<number | undefined> {
    const intent = await find(id)
    const watch = store.keys.watch(store.keys.partitionOf(intent.id), intent.account)
    const score = await redis.zscore(watch, id)
    return score === null ? undefined : Number(score)
  }
  const eventsOf = async (id: string) => (await readAllEvents(store)).filter(({ intent }) => intent.id === id)
  const namesOf = async (id: string) => (await eventsOf(id)).map(({ fact }) => fact.name)
  const callback = (reference: string, fields: Parameters<typeof disbursement>[0] = {}) =>
    createTestReconcile(store).applyOne(
      receiptOf(describeDisbursement(disbursement({ reference, ...fields }))),
    )
  const faultsOf = ({ status, body }: { status: number; body: { errors: Fields[] } }) => {
    assert.equal(status, 422)
    return body.errors.map(({ path, code }) => `${path} ${code}`)
  }

  describe('on registering', () => {
    for (const [path, contentOf] of inEachKind) {
      const { account } = contentOf()

      it(`${path} of ${account}: it waits to be sent from its first event on, at the head of the watch`, async () => {
        const before = Date.now()
        const { status, body } = await api.post(path, contentOf({ submit: true }))
        assert.equal(status, 201)
        const schema = { '/transfers': transferSchema, '/batches': batchSchema, '/coupons': couponSchema }[
          path
        ]
        schema?.strict().parse(body)
        assert.deepEqual(body.submission, { step: 'waiting', since: body.createdAt })
        assert.equal(body.state, 'registered')
        const [event, ...more] = await eventsOf(body.id)
        assert.deepEqual([event?.fact.name, event?.intent.submission?.step], ['registered', 'waiting'])
        assert.equal(more.length, 0)
        const at = (await watchedAt(body.id)) ?? 0
        assert.ok(before <= at && at <= Date.now(), 'what is only registered is looked at later')
      })

      it(`${path} of ${account}: the same again changes nothing, with submit and without`, async () => {
        const content = contentOf()
        const first = await api.post(path, { ...content, submit: true })
        for (const submit of [true, false, undefined]) {
          const again = await api.post(path, { ...content, ...(submit !== undefined && { submit }) })
          assert.deepEqual([again.status, again.body], [200, first.body])
        }
        assert.deepEqual(await namesOf(first.body.id), ['registered'])
      })

      it(`${path} of ${account}: what nobody had sent is sent by the same again, in the name of who asked`, async () => {
        const content = contentOf()
        const first = await api.post(path, content)
        assert.equal(first.body.submission, undefined)
        for (let i = 0; i < 2; i++) {
          const { status, body } = await api.post(path, { ...content, submit: true })
          assert.deepEqual([status, body.id, body.submission.step], [200, first.body.id, 'waiting'])
        }
        const events = await eventsOf(first.body.id)
        assert.deepEqual(
          events.map(({ fact }) => fact.name),
          ['registered', 'requested'],
        )
        assert.deepEqual(events[1]?.because, { source: 'registration', by: 'ledger' })
        assert.ok(((await watchedAt(first.body.id)) ?? Infinity) <= Date.now())
      })

      it(`${path} of ${account}: other content is refused all the same, and nothing is sent`, async () => {
        const content = contentOf()
        const { body } = await api.post(path, content)
        const other =
          path === '/coupons' ? { stockId: '1' } : path === '/batches' ? { name: 'X' } : { remark: 'X' }
        const answer = await api.post(path, { ...content, ...other, submit: true })
        assert.deepEqual([answer.status, answer.body.code], [409, 'reference-conflict'])
        assert.deepEqual(await namesOf(body.id), ['registered'])
      })
    }

    it('leaves the transfers of a batch to what sends it', async () => {
      for (const content of [batchOf({ submit: true }), wechatBatchOf({ submit: true })]) {
        const { body } = await api.post('/batches', content)
        const { items } = (await api.get(`/batches/${body.id}/transfers`)).body
        assert.deepEqual(
          items.map(({ submission, state }: Fields) => [submission, state]),
          [1, 2].map(() => [undefined, 'registered']),
        )
      }
    })

    it('goes on after a crash as it was asked for', async () => {
      const content = batchOf({ submit: true })
      const dying = createSendingApi({ ...store, redis: dyingAfter(redis, 2).redis })
      assert.notEqual((await dying.post('/batches', content)).status, 201)
      const { status, body } = await api.post('/batches', content)
      assert.deepEqual([status, body.submission.step], [201, 'waiting'])
    })

    it('is asked for by the second request, where the first that did not was cut off', async () => {
      const content = batchOf()
      const dying = createSendingApi({ ...store, redis: dyingAfter(redis, 2).redis })
      assert.notEqual((await dying.post('/batches', content)).status, 201)
      const { body } = await api.post('/batches', { ...content, submit: true })
      assert.equal(body.submission.step, 'waiting')
      assert.deepEqual(await namesOf(body.id), ['registered', 'requested'])
    })

    it('takes a transfer that joins a batch', async () => {
      const batch = (await api.post('/batches', batchOf())).body.id
      const content = transferOf({ batch, remark: 'Late' })
      const { body } = await api.post('/transfers', { ...content, submit: true })
      assert.deepEqual([body.submission.step, body.batch, body.remark], ['waiting', batch, 'Late'])
    })

    it('remembers force, which is no part of the content', async () => {
      const content = transferOf()
      const { body } = await api.post('/transfers', { ...content, submit: true, force: true })
      assert.equal(body.submission.force, true)
      assert.equal((await api.post('/transfers', content)).status, 200)
    })

    it('says of the same again that it is too late, where somebody else started it', async () => {
      const content = transferOf()
      const { body } = await api.post('/transfers', content)
      await callback(content.reference)
      const answer = await api.post('/transfers', { ...content, submit: true })
      assert.deepEqual([answer.status, answer.body.code], [409, 'cannot-submit'])
      assert.match(answer.body.detail, /succeeded/)
      assert.deepEqual(await namesOf(body.id), ['registered', 'succeeded'])
    })

    it('answers the same again with what became of it', async () => {
      const content = transferOf({ submit: true })
      await api.post('/transfers', content)
      await callback(content.reference)
      const { status, body } = await api.post('/transfers', content)
      assert.deepEqual([status, body.state], [200, 'succeeded'])
    })

    const refused: [string, string, Fields, string[]][] = [
      [
        'a transfer without credentials',
        '/transfers',
        transferOf({ account: 'quiet' }),
        ['submit submission-not-configured'],
      ],
      [
        'a batch without credentials',
        '/batches',
        batchOf({ account: 'quiet' }),
        ['submit submission-not-configured'],
      ],
      [
        'a coupon without credentials',
        '/coupons',
        couponRequest({ account: 'wx-quiet' }),
        ['submit submission-not-configured'],
      ],
      [
        'what a provider is only asked about',
        '/transfers',
        transferOf({ account: 'acme', amount: { value: '1.00', currency: 'EUR' } }),
        ['submit submission-not-configured'],
      ],
      [
        'a single transfer where they go in batches',
        '/transfers',
        transferOf({
          account: 'wx-test',
          reference: 'single1',
          amount: { value: '1.00', currency: 'CNY' },
          beneficiary: { openid: 'o-1' },
        }),
        ['submit sent-with-its-batch'],
      ],
      [
        'a transfer started elsewhere',
        '/transfers',
        transferOf({ providerReference: 'p-1' }),
        ['providerReference started-elsewhere'],
      ],
      [
        'a coupon granted elsewhere',
        '/coupons',
        couponRequest({ providerReference: 'c-1' }),
        ['providerReference started-elsewhere'],
      ],
      ['force on a batch', '/batches', batchOf({ force: true }), ['force unknown-field']],
      ['a word for submit', '/transfers', transferOf({ submit: 'yes' }), ['submit invalid-type']],
      [
        'with every other fault, of the form and of the provider',
        '/transfers',
        transferOf({
          account: 'quiet',
          providerReference: 'p-1',
          amount: { value: '1.50', currency: 'IDR' },
          beneficiary: { ...beneficiary, name: 'X' },
          remark: 'a\nb',
        }),
        [
          'remark invalid-format',
          'beneficiary.name name-refused',
          'amount.value amount-refused',
          'submit submission-not-configured',
          'providerReference started-elsewhere',
        ],
      ],
    ]
    for (const [title, path, content, faults] of refused) {
      it(`refuses ${title}, and keeps nothing`, async () => {
        assert.deepEqual(faultsOf(await api.post(path, { submit: true, ...content })), faults)
        assert.deepEqual(await redis.keys(`${store.prefix}:*`), [])
      })
    }

    it('refuses force without submit', async () => {
      assert.deepEqual(faultsOf(await api.post('/transfers', transferOf({ force: true }))), [
        'force force-without-submit',
      ])
    })
  })

  describe('on its own', () => {
    for (const [path, contentOf] of inEachKind) {
      it(`${path} of ${contentOf().account}: sends once, and says so again`, async () => {
        const { body: made } = await api.post(path, contentOf())
        const sent = await api.post(`${path}/${made.id}/submit`, {})
        assert.deepEqual([sent.status, sent.body.submission.step, sent.body.sequence], [202, 'waiting', 2])
        const again = await api.post(`${path}/${made.id}/submit`, {})
        assert.deepEqual([again.status, again.body], [200, sent.body])
        assert.deepEqual((await api.get(`${path}/${made.id}`)).body, sent.body)
        const events = await eventsOf(made.id)
        assert.deepEqual(
          events.map(({ fact }) => fact.name),
          ['registered', 'requested'],
        )
        assert.deepEqual(events[1]?.because, { source: 'operator', by: 'ledger' })
      })
    }

    it('takes force of a transfer, and of nothing else', async () => {
      const { body } = await api.post('/transfers', transferOf())
      const sent = await api.post(`/transfers/${body.id}/submit`, { force: true })
      assert.equal(sent.body.submission.force, true)
      const batch = await api.post('/batches', batchOf())
      assert.deepEqual(faultsOf(await api.post(`/batches/${batch.body.id}/submit`, { force: true })), [
        'force unknown-field',
      ])
    })

    it('sends once where two ask at once', async () => {
      const { body } = await api.post('/transfers', transferOf())
      const answers = await Promise.all([1, 2, 3, 4].map(() => api.post(`/transfers/${body.id}/submit`, {})))
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 202])
      assert.deepEqual(await namesOf(body.id), ['registered', 'requested'])
    })

    it('decides again where a callback was quicker', async () => {
      const content = transferOf()
      const { body } = await api.post('/transfers', content)
      let raced = false
      const slow = createSendingApi(store, {
        ...store.intents,
        async commit(asked) {
          if (!raced) await callback(content.reference)
          raced = true
          return store.intents.commit(asked)
        },
      })
      const answer = await slow.post(`/transfers/${body.id}/submit`, {})
      assert.deepEqual([answer.status, answer.body.code], [409, 'cannot-submit'])
      assert.deepEqual(await namesOf(body.id), ['registered', 'succeeded'])
    })

    it('is too late for what is final, cancelled, held or started elsewhere', async () => {
      const late: [string, (made: Transfer) => Promise<unknown>, RegExp][] = [
        ['final', ({ reference }) => callback(reference), /succeeded/],
        ['under way', ({ reference }) => callback(reference, { status: 'processing' }), /processing/],
        ['cancelled', ({ id }) => api.post(`/transfers/${id}/cancel`, {}), /cancelled/],
        ['held', ({ reference }) => callback(reference, { amount: '1.00' }), /case-/],
      ]
      for (const [title, happen, reason] of late) {
        for (const submit of [false, true]) {
          // What was sent before may be held or called off; that it went well is an answer.
          if (submit && title !== 'cancelled' && title !== 'held') continue
          const { body } = await api.post('/transfers', transferOf({ submit }))
          await happen(body)
          const names = await namesOf(body.id)
          const answer = await api.post(`/transfers/${body.id}/submit`, {})
          assert.deepEqual([answer.status, answer.body.code], [409, 'cannot-submit'], title)
          assert.match(answer.body.detail, reason)
          assert.deepEqual(await namesOf(body.id), names)
        }
      }
      const { body } = await api.post('/transfers', transferOf({ providerReference: 'p-1' }))
      const answer = await api.post(`/transfers/${body.id}/submit`, {})
      assert.deepEqual([answer.status, answer.body.code], [409, 'cannot-submit'])
    })

    it('says what became of what was sent before', async () => {
      const content = transferOf({ submit: true })
      const { body } = await api.post('/transfers', content)
      await callback(content.reference)
      const answer = await api.post(`/transfers/${body.id}/submit`, {})
      assert.deepEqual([answer.status, answer.body.state], [200, 'succeeded'])
    })

    it('is not for a transfer that goes with its batch, nor without credentials', async () => {
      const { body: batch } = await api.post('/batches', wechatBatchOf())
      const [member] = (await api.get(`/batches/${batch.id}/transfers`)).body.items
      assert.deepEqual(faultsOf(await api.post(`/transfers/${member.id}/submit`, {})), [
        'submit sent-with-its-batch',
      ])
      const { body: quiet } = await api.post('/transfers', transferOf({ account: 'quiet' }))
      assert.deepEqual(faultsOf(await api.post(`/transfers/${quiet.id}/submit`, {})), [
        'submit submission-not-configured',
      ])
    })

    it('takes one of a mere grouping by itself', async () => {
      const { body: batch } = await api.post('/batches', batchOf())
      const [member] = (await api.get(`/batches/${batch.id}/transfers`)).body.items
      assert.equal((await api.post(`/transfers/${member.id}/submit`, {})).status, 202)
    })

    it('refuses who may not, what is not there, and other methods', async () => {
      const { body } = await api.post('/transfers', transferOf())
      for (const call of ['submit', 'query']) {
        assert.equal((await api.post(`/transfers/${body.id}/${call}`, {}, 'viewer')).status, 403)
        assert.equal((await api.post(`/transfers/${body.id}/${call}`, { now: true })).status, 422)
        assert.equal((await api.get(`/transfers/${body.id}/${call}`)).status, 405)
        for (const id of ['tr-1', transferIdOf('gone', 'none'), body.id.replace('tr-', 'ba-')])
          for (const path of ['/transfers', '/batches', '/coupons'])
            if (path !== '/transfers' || id !== body.id)
              assert.equal((await api.post(`${path}/${id}/${call}`, {})).status, 404)
      }
      assert.deepEqual(await namesOf(body.id), ['registered'])
    })
  })

  describe('and cancelling', () => {
    it('works until the first call', async () => {
      const { body } = await api.post('/transfers', transferOf({ submit: true }))
      const cancelled = await api.post(`/transfers/${body.id}/cancel`, {})
      assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled'])
      assert.equal(await watchedAt(body.id), undefined, 'nothing is left to be sent')
      const other = (await api.post('/transfers', transferOf({ submit: true }))).body
      await move(other.id, (before) => beginSending(before, Date.now()))
      const late = await api.post(`/transfers/${other.id}/cancel`, {})
      assert.deepEqual([late.status, late.body.code], [409, 'cannot-cancel'])
    })

    it('works of one in a batch until that is sent', async () => {
      const { body } = await api.post('/batches', wechatBatchOf({ submit: true }))
      const [first, second] = (await api.get(`/batches/${body.id}/transfers`)).body.items
      assert.equal((await api.post(`/transfers/${first.id}/cancel`, {})).body.state, 'cancelled')
      await move(second.id, (before) =>
        before.kind === 'transfer' ? sendWithBatch(before, Date.now()) : undefined,
      )
      const late = await api.post(`/transfers/${second.id}/cancel`, {})
      assert.deepEqual([late.status, late.body.code], [409, 'cannot-cancel'])
    })
  })

  describe('in the resource', () => {
    it('shows how far it has come, and that it takes too long', async () => {
      for (const [path, contentOf] of inEachKind) {
        const { body } = await api.post(path, contentOf({ submit: true }))
        await move(body.id, (before) => beginSending(before, Date.now()))
        await move(body.id, (before) => markOverdue(before, Date.now()))
        const shown = (await api.get(`${path}/${body.id}`)).body
        assert.deepEqual([shown.state, shown.submission.step, shown.overdue], ['submitted', 'sending', true])
        const { submission } = await find(body.id)
        assert.equal(shown.submission.since, new Date(submission?.at ?? 0).toISOString())
      }
    })
  })

  describe('asking', () => {
    async function ask(path: string, id: string) {
      const before = Date.now()
      const answer = await api.post(`${path}/${id}/query`, {})
      return { answer, before, at: await watchedAt(id) }
    }

    for (const [path, contentOf] of inEachKind) {
      it(`${path} of ${contentOf().account}: puts it at the head of the watch, and changes nothing`, async () => {
        const { body } = await api.post(path, contentOf({ submit: true }))
        await move(body.id, (before) => beginSending(before, Date.now()))
        const shown = (await api.get(`${path}/${body.id}`)).body
        const key = store.keys.watch(store.keys.partitionOf(body.id), body.account)
        await redis.zadd(key, Date.now() + 3_600_000, body.id)
        const { answer, before, at } = await ask(path, body.id)
        assert.deepEqual([answer.status, answer.body], [202, shown])
        assert.ok(at !== undefined && before <= at && at <= Date.now())
      })
    }

    it('asks about each transfer of a mere grouping', async () => {
      const { body } = await api.post('/batches', batchOf())
      await ask('/batches', body.id)
      const asked = await redis.smembers(store.keys.askedBatches(store.keys.partitionOf(body.id)))
      assert.deepEqual(asked, [body.id])
    })

    it('refuses what is settled, and leaves it so', async () => {
      const content = transferOf()
      const { body } = await api.post('/transfers', content)
      await callback(content.reference)
      const { answer, at } = await ask('/transfers', body.id)
      assert.deepEqual([answer.status, answer.body.code, at], [409, 'cannot-query', undefined])
      const coupon = await api.post('/coupons', couponRequest())
      assert.equal((await ask('/coupons', coupon.body.id)).answer.body.code, 'cannot-query')
    })

    it('refuses what no provider can be asked about', async () => {
      const { body } = await api.post('/transfers', transferOf({ account: 'quiet' }))
      const { answer } = await ask('/transfers', body.id)
      assert.deepEqual(faultsOf(answer), ['account query-not-configured'])
      const single = transferOf({
        account: 'wx-test',
        reference: 'single1',
        amount: { value: '1.00', currency: 'CNY' },
        beneficiary: { openid: 'o-1' },
      })
      const alone = await api.post('/transfers', single)
      assert.deepEqual(faultsOf((await ask('/transfers', alone.body.id)).answer), [
        'account query-not-configured',
      ])
    })
  })
})
