import assert from 'node:assert/strict'
import {
  createTallyhookClient,
  type Followed,
  followEvents,
  type NewTransfer,
  type TallyhookClient,
  TallyhookError,
} from '../../src/client/index.ts'
import { type Composed, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { beneficiary, newReference, testAccount } from '../support/zenospay.ts'

const newTransfer = (reference = newReference()): NewTransfer => ({
  account: testAccount.id,
  reference,
  amount: { value: '25000.00', currency: 'IDR' },
  beneficiary,
  metadata: { order: '7' },
})

describe('the client, against the service', function () {
  this.timeout(60_000)
  let redis: RedisServerProcess
  let tallyhook: Composed
  let client: TallyhookClient
  before(async () => {
    redis = await startRedisServer()
    tallyhook = await startComposed(redis.url)
    await tallyhook.ready()
    const token = tallyhook.headers.authorization.replace('Bearer ', '')
    client = createTallyhookClient({ baseUrl: tallyhook.apiUrl, token })
  })
  after(async () => {
    await tallyhook?.stop()
    await redis?.stop()
  })

  const refused = (status: number, code: string) => (error: unknown) => {
    assert.ok(error instanceof TallyhookError, String(error))
    assert.deepEqual([error.status, error.code, error.retryable], [status, code, false])
    return true
  }

  it('registers a transfer, once, and finds it', async () => {
    const content = newTransfer()
    const created = await client.transfers.create(content)
    assert.deepEqual(
      [created.state, created.reference, created.metadata],
      ['registered', content.reference, { order: '7' }],
    )
    assert.deepEqual(await client.transfers.create(content), created)
    assert.deepEqual(await client.transfers.get(created.id), created)
    assert.deepEqual(await client.transfers.find(testAccount.id, content.reference), created)
    assert.equal(await client.transfers.find(testAccount.id, newReference()), undefined)
    const { items } = await client.transfers.list({ account: testAccount.id, reference: content.reference })
    assert.deepEqual(items, [created])
    const { accountNumber } = beneficiary
    const found = await client.transfers.search({ accountNumber, limit: 100 })
    assert.ok(found.items.some(({ id }) => id === created.id))
    const other = { ...content, amount: { value: '1.00', currency: 'IDR' } }
    await assert.rejects(client.transfers.create(other), refused(409, 'reference-conflict'))
    const cancelled = await client.transfers.cancel(created.id, { reason: 'Not needed.' })
    assert.equal(cancelled.state, 'cancelled')
    assert.equal((await client.transfers.cancel(created.id)).state, 'cancelled')
    await assert.rejects(client.transfers.query(created.id), refused(422, 'invalid-request'))
    await assert.rejects(client.transfers.submit(created.id, { force: true }), TallyhookError)
  })

  it('registers a batch with its transfers', async () => {
    const transfers = [newTransfer(), newTransfer(), newTransfer()].map(
      ({ reference, amount, beneficiary }) => ({
        reference,
        amount,
        beneficiary,
      }),
    )
    const content = {
      account: testAccount.id,
      reference: newReference(),
      name: 'Salaries',
      remark: 'May',
      transfers,
    }
    const batch = await client.batches.create(content)
    assert.equal(batch.count, 3)
    assert.equal((await client.batches.get(batch.id)).amount.value, '75000.00')
    assert.equal((await client.batches.find(testAccount.id, content.reference))?.id, batch.id)
    const page = await client.batches.transfers(batch.id, { limit: 2 })
    const rest = await client.batches.transfers(batch.id, { after: String(page.next) })
    assert.deepEqual(
      [...page.items, ...rest.items].map(({ reference }) => reference),
      transfers.map(({ reference }) => reference),
    )
  })

  it('says what is wrong, and where', async () => {
    const wrong = { ...newTransfer(), amount: { value: '1.234', currency: 'IDR' } }
    await assert.rejects(client.transfers.create(wrong), (error) => {
      refused(422, 'invalid-request')(error)
      assert.deepEqual(
        (error as TallyhookError).errors.map(({ path, code }) => [path, code]),
        [['amount.value', 'too-many-decimals']],
      )
      return true
    })
    await assert.rejects(client.transfers.get('../events'), refused(404, 'not-found'))
    await assert.rejects(client.coupons.get('none'), refused(404, 'not-found'))
    await assert.rejects(client.events.page({ after: 'none' }), refused(422, 'invalid-cursor'))
    const stranger = createTallyhookClient({ baseUrl: tallyhook.apiUrl, token: async () => 'wrong' })
    await assert.rejects(stranger.events.head(), refused(401, 'unauthenticated'))
    assert.deepEqual((await client.cases.list({ state: 'open' })).items, [])
  })

  for (const mode of ['stream', 'poll'] as const)
    it(`follows the feed: ${mode}`, async () => {
      const references = await tallyhook.registerSome(20)
      const controller = new AbortController()
      const seen: Followed[] = []
      const follower = followEvents(client, { mode, signal: controller.signal, waitSeconds: 5 })
      const following = (async () => {
        for await (const one of follower) seen.push(one)
      })()
      const sees = (type: string) => (reference: string) =>
        seen.some(({ event }) => event.type === type && Object(event.data.object).reference === reference)
      await until('the registrations', () => references.every(sees('tallyhook.transfer.registered.v1')))
      await until('a head to count from', async () => (await follower.checkHead()).complete)
      for (const reference of references) await tallyhook.callBack(reference)
      await until('the successes', () => references.every(sees('tallyhook.transfer.succeeded.v1')))
      const report = await until('the head', async () => {
        const report = await follower.checkHead()
        return report.complete && report
      })
      assert.equal(report.missing, false)
      assert.equal(new Set(seen.map(({ event }) => event.id)).size, seen.length)
      controller.abort()
      await following
    })

  it('goes on from a checkpoint, with one subject alone', async () => {
    const { id } = await client.transfers.create(newTransfer())
    await client.transfers.cancel(id)
    let saved: string | undefined
    const checkpoint = {
      load: () => saved,
      save(cursor: string) {
        saved = cursor
      },
    }
    const types: string[] = []
    for (let i = 0; i < 2; i++)
      for await (const { event, cursor } of followEvents(client, { subject: id, checkpoint })) {
        types.push(event.type)
        saved = cursor
        break
      }
    assert.deepEqual(types, ['tallyhook.transfer.registered.v1', 'tallyhook.transfer.cancelled.v1'])
  })

  it('subscribes, changes, rotates, lists and deletes', async () => {
    const url = 'https://ledger.example/hooks/tallyhook'
    const { id, secret } = await client.subscriptions.create({
      url,
      types: ['tallyhook.transfer.*'],
      disabled: true,
    })
    assert.match(secret, /^whsec_/)
    assert.equal((await client.subscriptions.get(id)).enabled, false)
    assert.equal(
      (await client.subscriptions.update(id, { description: 'The ledger' })).description,
      'The ledger',
    )
    assert.notEqual((await client.subscriptions.rotate(id)).secret, secret)
    assert.ok((await client.subscriptions.list()).items.some((one) => one.id === id))
    assert.deepEqual((await client.subscriptions.deliveries(id)).items, [])
    const { since } = { since: new Date(0).toISOString() }
    assert.ok((await client.subscriptions.countReplay(id, { since })).count > 0)
    assert.deepEqual((await client.subscriptions.replays(id)).items, [])
    await client.subscriptions.delete(id)
    await assert.rejects(client.subscriptions.get(id), refused(404, 'not-found'))
    await assert.rejects(client.subscriptions.create({ url: 'ftp://x' }), refused(422, 'invalid-request'))
  })
})
