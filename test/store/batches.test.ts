import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Batch } from '../../src/domain/batch.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { batchIdOf, memberIdOf, transferIdOf } from '../../src/store/ids.ts'
import { batchesOf, Crash, dump, dyingAfter, requestOf, sleepingAt } from '../support/batches.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  openReceiptOf,
  readAllEvents,
  receiptOf,
  registerIn,
  registrationOf,
  type TestStore,
} from '../support/store.ts'
import { disbursement, testAccount } from '../support/zenospay.ts'

const account = testAccount.id
const references = ['r-1', 'r-2', 'r-3', 'r-4', 'r-5']
const later = () => Date.now() + 60_000

describe('Batches', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  after(() => clients.closeAll())

  async function findBatch(reference = 'b-1', where = store): Promise<Batch> {
    const found = await where.intents.find(batchIdOf(account, reference))
    if (found?.kind !== 'batch') throw new Error('There is no such batch.')
    return found
  }
  const callback = (reference: string) =>
    openReceiptOf(describeDisbursement(disbursement({ reference, inquiryId: `inquiry-${reference}` })))
  async function pumpInto(reconcile = createTestReconcile(store)): Promise<void> {
    await store.ready.pump(async (receipts) => {
      assert.deepEqual(await reconcile.applyAll(receipts), [])
    })
  }

  it('registers a batch with its transfers, found by their own references', async () => {
    const result = await batchesOf(store, redis).register(await requestOf(store, 'b-1', references))
    assert.equal(result.outcome, 'registered')
    const batch = await findBatch()
    assert.equal(batch.state, 'registered')
    assert.equal(batch.sequence, 1)
    for (const reference of references) {
      const transfer = (await store.intents.find(transferIdOf(account, reference))) as Transfer
      assert.equal(transfer.id, memberIdOf(batch.id, reference))
      assert.equal(transfer.batch, batch.id)
    }
    const members = await redis.zrange(store.keys.members(batch.id), '0', '-1')
    assert.deepEqual(
      members,
      references.map((reference) => memberIdOf(batch.id, reference)),
    )
    const [loaded] = await store.intents.load([batch.id])
    assert.deepEqual(loaded?.outcome === 'found' && loaded.totals?.totals.registered, {
      count: 5,
      minor: 12500000n,
    })
    const events = await readAllEvents(store)
    assert.deepEqual(
      events.map(({ intent, fact }) => `${intent.kind} ${fact.name} ${fact.sequence}`).sort(),
      ['batch registered 1', ...references.map(() => 'transfer registered 1')],
    )
    assert.deepEqual(await redis.keys(`${store.prefix}:*draft*`), [])
    assert.deepEqual(await redis.keys(`${store.prefix}:*registering*`), [])
  })

  it('is idempotent on its reference and refuses other content', async () => {
    const batches = batchesOf(store, redis)
    await batches.register(await requestOf(store, 'b-1', references))
    const before = await dump(redis, store)
    assert.equal((await batches.register(await requestOf(store, 'b-1', references))).outcome, 'exists')
    const other = await requestOf(store, 'b-1', ['r-9'], { content: 'other' })
    assert.equal((await batches.register(other)).outcome, 'differs')
    assert.deepEqual(await dump(redis, store), before)
  })

  it('names every reference that is taken, and leaves nothing behind', async () => {
    await registerIn(store, 'r-2')
    await batchesOf(store, redis).register(await requestOf(store, 'b-0', ['r-4']))
    const request = await requestOf(store, 'b-1', references)
    const before = await dump(redis, store)
    assert.deepEqual(await batchesOf(store, redis).register(request), {
      outcome: 'references-taken',
      taken: [
        { position: 1, by: 'intent' },
        { position: 3, by: 'intent' },
      ],
    })
    assert.deepEqual(await dump(redis, store), before)
  })

  it('lets the same reference be in several batches where it is unique in its batch alone', async () => {
    for (const reference of ['b-1', 'b-2']) {
      const request = await requestOf(store, reference, references, { claims: false })
      assert.equal((await batchesOf(store, redis).register(request)).outcome, 'registered')
    }
    assert.equal(await store.intents.find(transferIdOf(account, 'r-1')), undefined)
  })

  it('gives a reference to one of two batches that want it at once, or to neither', async () => {
    for (let round = 0; round < 10; round++) {
      const requests = [
        await requestOf(store, `b-${round}-1`, [`x-${round}`, `y-${round}`]),
        await requestOf(store, `b-${round}-2`, [`y-${round}`, `x-${round}`]),
      ]
      const results = await Promise.all(requests.map((one) => batchesOf(store, redis).register(one)))
      const registered = results.filter(({ outcome }) => outcome === 'registered')
      assert.ok(registered.length <= 1)
      for (const reference of [`x-${round}`, `y-${round}`]) {
        const found = await store.intents.find(transferIdOf(account, reference))
        assert.equal(found === undefined, registered.length === 0)
      }
    }
    assert.deepEqual(await redis.keys(`${store.prefix}:*draft*`), [])
  })

  it('is registered once by two who ask at once', async () => {
    const request = await requestOf(store, 'b-1', references)
    const results = await Promise.all([1, 2, 3].map(() => batchesOf(store, redis).register(request)))
    const outcomes = results.map(({ outcome }) => outcome).sort()
    assert.deepEqual(outcomes, ['exists', 'exists', 'registered'])
    assert.equal((await readAllEvents(store)).length, 6)
  })

  describe('a process that dies between two steps', () => {
    for (const claims of [true, false]) {
      const title = claims ? 'references unique in the account' : 'references unique in the batch'

      it(`is finished by the sweep, to the same end (${title})`, async () => {
        const many = Array.from({ length: 120 }, (_, i) => `r-${i}`)
        const request = await requestOf(store, 'b-1', many, { claims })
        // The persons' keys are there before anything else is.
        const untouched = createTestStore(redis)
        const whole = dyingAfter(redis, Number.POSITIVE_INFINITY)
        await batchesOf(untouched, whole.redis).register(request)
        const expected = await dump(redis, untouched)
        assert.ok(whole.commits() >= 4)
        for (let n = 1; n < whole.commits(); n++) {
          const one = createTestStore(redis)
          await assert.rejects(batchesOf(one, dyingAfter(redis, n).redis).register(request), Crash)
          const [first, second] = await Promise.all([
            batchesOf(one, redis).finish(later()),
            batchesOf(one, redis).finish(later()),
          ])
          const outcomes = [...(first ?? []), ...(second ?? [])].map(({ outcome }) => outcome)
          assert.ok(!outcomes.includes('failed') && !outcomes.includes('refused'), `after ${n}: ${outcomes}`)
          assert.deepEqual(await dump(redis, one), expected, `after ${n} steps`)
          assert.deepEqual(await batchesOf(one, redis).finish(later()), [])
        }
      })
    }

    it('changes nothing where it was only asleep, and others have finished meanwhile', async () => {
      const request = await requestOf(store, 'b-1', references)
      const whole = dyingAfter(redis, Number.POSITIVE_INFINITY)
      await batchesOf(createTestStore(redis), whole.redis).register(request)
      for (let n = 2; n <= whole.commits(); n++) {
        const one = createTestStore(redis)
        let expected: unknown
        const meanwhile = async () => {
          await batchesOf(one, redis).finish(later())
          // Much later: it is all over, and its transfers have left.
          for (const reference of references)
            await redis.del(one.keys.intent(memberIdOf(request.id, reference)))
          expected = await dump(redis, one)
        }
        const result = await batchesOf(one, sleepingAt(redis, n, meanwhile)).register(request)
        assert.equal(result.outcome, 'exists', `before ${n}`)
        assert.deepEqual(await dump(redis, one), expected, `before ${n}`)
      }
    })

    it('leaves only what holds nothing where it was asleep while it was refused', async () => {
      const request = await requestOf(store, 'b-1', references)
      for (let n = 2; n <= 5; n++) {
        const one = createTestStore(redis)
        let single = ''
        const meanwhile = async () => {
          single = (await one.register(await registrationOf(one, 'r-5'))).outcome
          await batchesOf(one, redis).finish(later())
        }
        const result = await batchesOf(one, sleepingAt(redis, n, meanwhile)).register(request)
        // By the last of these its own claim is there.
        assert.equal(single, n < 5 ? 'registered' : 'claimed')
        assert.equal(result.outcome, n < 5 ? 'references-taken' : 'exists', `before ${n}`)
        if (n === 5) continue
        const again = await requestOf(one, 'b-2', ['r-1', 'r-2', 'r-3', 'r-4'])
        assert.equal((await batchesOf(one, redis).register(again)).outcome, 'registered', `before ${n}`)
      }
    })

    it('is finished by who asks again', async () => {
      const request = await requestOf(store, 'b-1', references)
      for (let n = 1; n < 8; n++) {
        const one = createTestStore(redis)
        await assert.rejects(batchesOf(one, dyingAfter(redis, n).redis).register(request), Crash)
        const other = await requestOf(store, 'b-1', ['r-9'], { content: 'other' })
        assert.equal((await batchesOf(one, redis).register(other)).outcome, 'differs')
        assert.equal((await batchesOf(one, redis).register(request)).outcome, 'registered')
        assert.equal((await readAllEvents(one)).length, 6)
      }
    })

    it('loses no callback that comes in between, and has it applied once', async () => {
      const counted = dyingAfter(redis, Number.POSITIVE_INFINITY)
      await batchesOf(createTestStore(redis), counted.redis).register(
        await requestOf(store, 'b-1', references),
      )
      for (let n = 0; n < counted.commits(); n++) {
        store = createTestStore(redis)
        const request = await requestOf(store, 'b-1', references)
        await assert.rejects(batchesOf(store, dyingAfter(redis, n).redis).register(request), Crash)
        const reconcile = createTestReconcile(store)
        for (const reference of references) await reconcile.applyOne(callback(reference))
        const batches = batchesOf(store, redis)
        await batches.finish(later())
        if (n === 0) await batches.register(request)
        await pumpInto()
        for (const reference of references) {
          const transfer = (await store.intents.find(transferIdOf(account, reference))) as Transfer
          assert.equal(transfer.state, 'succeeded', `after ${n} steps`)
          assert.equal(transfer.sequence, 2)
        }
        const [loaded] = await store.intents.load([request.id])
        const totals = loaded?.outcome === 'found' ? loaded.totals?.totals : undefined
        assert.equal(totals?.succeeded.count, 5)
        assert.equal(totals?.registered.count, 0)
        assert.deepEqual(await redis.keys(`${store.prefix}:*:parked:*`), [])
        const events = await readAllEvents(store)
        assert.equal(events.filter(({ fact }) => fact.name === 'succeeded').length, 5)
      }
    })

    it('loses no callback about the batch itself or about a transfer of the batch', async () => {
      const counted = dyingAfter(redis, Number.POSITIVE_INFINITY)
      const other = createTestStore(redis)
      const request = await requestOf(store, 'b-1', references, { claims: false })
      await batchesOf(other, counted.redis).register(request)
      for (let n = 1; n < counted.commits(); n++) {
        const one = createTestStore(redis)
        await assert.rejects(batchesOf(one, dyingAfter(redis, n).redis).register(request), Crash)
        const targets = [request.id, memberIdOf(request.id, 'r-3')]
        const receipts = targets.map((target) => {
          const receipt = receiptOf('{}', { account })
          return { target, account, receipt: { ...receipt, opened: Buffer.from('{}') } }
        })
        const parked = await one.intents.parkAll(receipts)
        assert.equal(parked[0], 'parked', 'the batch is not there before all of it is')
        await batchesOf(one, redis).finish(later())
        const ready = await redis.hkeys(one.keys.ready(one.keys.partitionOf(request.id)))
        const expected = receipts.filter((_, i) => parked[i] === 'parked').map(({ receipt }) => receipt.id)
        assert.deepEqual(ready.sort(), expected.sort(), `after ${n} steps`)
      }
    })

    it('is refused whole where a reference was taken meanwhile', async () => {
      const request = await requestOf(store, 'b-1', references)
      const before = createTestStore(redis)
      for (let n = 1; n < 4; n++) {
        const one = createTestStore(redis)
        // Dies in the middle of the claims: some are there and others are not.
        await assert.rejects(batchesOf(one, dyingAfter(redis, n).redis).register(request), Crash)
        const free = []
        for (const reference of references)
          if ((await redis.exists(one.keys.intent(transferIdOf(account, reference)))) === 0)
            free.push(reference)
        if (free.length === 0) continue
        await one.register(await registrationOf(one, free[0] ?? ''))
        const kept = await redis.get(one.keys.intent(transferIdOf(account, free[0] ?? '')))
        const [finished] = await batchesOf(one, redis).finish(later())
        assert.equal(finished?.outcome, 'refused')
        const left = (await redis.keys(`${one.prefix}:*`)).filter((key) =>
          /:(tr|ba)-|draft|totals|registering/.test(key),
        )
        assert.deepEqual(left, [one.keys.intent(transferIdOf(account, free[0] ?? ''))])
        assert.equal(await redis.get(left[0] ?? ''), kept)
        assert.equal(await one.intents.find(request.id), undefined)
      }
      assert.deepEqual(await redis.keys(`${before.prefix}:*`), [])
    })

    it('refuses to the end where it dies while refusing', async () => {
      const request = await requestOf(store, 'b-1', references)
      for (let n = 2; n < 9; n++) {
        const one = createTestStore(redis)
        const dying = dyingAfter(redis, n)
        // Taken between the look and the claims.
        const build = async () => {
          await one.register(await registrationOf(one, 'r-4'))
          return request.build()
        }
        const attempt = batchesOf(one, dying.redis).register({ ...request, build })
        const result = await attempt.catch((error: unknown) => error)
        if (!(result instanceof Crash)) {
          assert.deepEqual(result, { outcome: 'references-taken', taken: [{ position: 3, by: 'intent' }] })
        }
        await batchesOf(one, redis).finish(later())
        const left = (await redis.keys(`${one.prefix}:*`)).filter((key) =>
          /:(tr|ba)-|draft|totals|registering/.test(key),
        )
        assert.deepEqual(left, [one.keys.intent(transferIdOf(account, 'r-4'))], `after ${n} steps`)
      }
    })

    it('leaves no claim that keeps others out', async () => {
      const own = transferIdOf(account, 'r-1')
      const other = await requestOf(store, 'b-2', ['r-7'])
      await assert.rejects(batchesOf(store, dyingAfter(redis, 1).redis).register(other), Crash)
      await redis.set(store.keys.intent(own), `0 ?${other.id} an-earlier-attempt`)
      assert.equal((await store.register(await registrationOf(store, 'r-1'))).outcome, 'registered')
      await redis.set(store.keys.intent(own), `0 ?${batchIdOf(account, 'gone')} attempt-gone`)
      const { outcome } = await store.register(await registrationOf(store, 'r-1'))
      assert.equal(outcome, 'registered')
      await redis.set(
        store.keys.intent(transferIdOf(account, 'r-2')),
        `0 ?${batchIdOf(account, 'gone')} attempt-gone`,
      )
      const request = await requestOf(store, 'b-1', ['r-2', 'r-3'])
      assert.equal((await batchesOf(store, redis).register(request)).outcome, 'registered')
    })

    it('holds its claims against a single transfer while it lives', async () => {
      const request = await requestOf(store, 'b-1', references)
      const one = createTestStore(redis)
      await assert.rejects(batchesOf(one, dyingAfter(redis, 5).redis).register(request), Crash)
      const held = []
      for (const reference of references) {
        const { outcome } = await one.register(await registrationOf(one, reference))
        held.push(outcome)
      }
      assert.ok(held.includes('claimed'), held.join())
    })
  })
})
