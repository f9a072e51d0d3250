import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { AppError } from '../../src/domain/errors.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { aliasIdOf, couponIdOf } from '../../src/store/ids.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createLinks, encodeLink } from '../../src/store/links.ts'
import { createRegister } from '../../src/store/register.ts'
import { createFinishLinks } from '../../src/workers/finish-links.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import {
  account,
  cny,
  createSayingReconcile,
  findCoupon,
  grantOf,
  numberIdOf,
  registerCouponIn,
  useOf,
} from '../support/coupons.ts'
import { dyingAfter } from '../support/dying.ts'
import { leave } from '../support/leave.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, keyring, readAllEvents, readLog, type TestStore } from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

describe('coupons and their consumption', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let reconcile: Reconcile
  let reference: string
  let number: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis, 8)
    reconcile = createSayingReconcile(store)
    reference = newReference()
    number = newReference()
  })
  after(() => clients.closeAll())

  const finishOn = (intents = store.intents, client: Redis = redis) =>
    createFinishLinks({
      partitions: store.keys.partitions,
      links: createLinks({ redis: client, keys: store.keys }),
      intents,
      clock: Date.now,
      logger: createMemoryLogger(),
    })
  const sweep = () => finishOn()()
  const couponId = () => couponIdOf(account, reference)
  const partitionOfCoupon = () => store.keys.partitionOf(couponId())
  const pump = () =>
    store.ready.pump(async (receipts) => assert.deepEqual(await reconcile.applyAll(receipts), []))
  const outcomeOf = async (receipt: Receipt) => (await reconcile.applyOne(receipt)).outcome
  const factsOf = async () => (await readAllEvents(store)).map(({ fact }) => fact.name)
  const usesOf = async (of = reference) =>
    (await findCoupon(store, of)).uses.map(({ transaction, amount }) => [transaction, amount.minor])
  const openCases = async () => (await store.cases.list({ state: 'open', limit: 10 })).cases
  const due = async () =>
    (
      await Promise.all(
        Array.from({ length: store.keys.partitions }, (_, p) => redis.smembers(store.keys.dueLinks(p))),
      )
    ).flat()

  describe('in every order', () => {
    it('a coupon is registered, granted and used, several times', async () => {
      await registerCouponIn(store, reference)
      assert.equal(await outcomeOf(grantOf(reference, number)), 'applied')
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'applied')
      assert.equal(await outcomeOf(useOf(number, 't-2', 700n)), 'applied')
      assert.deepEqual(await factsOf(), ['registered', 'granted', 'used', 'used'])
      assert.deepEqual(await usesOf(), [
        ['t-1', 300n],
        ['t-2', 700n],
      ])
      assert.deepEqual(await due(), [])
      const events = await readAllEvents(store)
      assert.deepEqual(
        events.map(({ fact }) => fact.sequence),
        [1, 2, 3, 4],
      )
    })

    it('what was used before the coupon was registered, with its number, waits and is counted once', async () => {
      const uses = [useOf(number, 't-1', 300n), useOf(number, 't-2', 200n)]
      for (const use of uses) assert.equal(await outcomeOf(use), 'parked')
      for (const use of uses) assert.equal(await outcomeOf(use), 'parked', 'delivered again')
      const made = await registerCouponIn(store, reference, { couponNumber: number })
      assert.equal(made.outcome === 'registered' && made.madeReady, 2)
      assert.deepEqual(await factsOf(), ['registered', 'granted'])
      await pump()
      await reconcile.applyAll(uses)
      assert.deepEqual(await usesOf(), [
        ['t-1', 300n],
        ['t-2', 200n],
      ])
    })

    it('what was used before the grant was answered waits for the answer', async () => {
      await registerCouponIn(store, reference)
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'parked')
      assert.equal(await outcomeOf(grantOf(reference, number)), 'applied')
      await pump()
      assert.deepEqual(await usesOf(), [['t-1', 300n]])
      assert.deepEqual(await factsOf(), ['registered', 'granted', 'used'])
    })

    it('the answer to a grant came before the coupon was registered, and its use before that', async () => {
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'parked')
      assert.equal(await outcomeOf(grantOf(reference, number)), 'parked')
      const made = await registerCouponIn(store, reference)
      assert.equal(made.outcome === 'registered' && made.madeReady, 1)
      await pump()
      await pump()
      assert.deepEqual(await usesOf(), [['t-1', 300n]])
    })

    it('a grant and uses in one group come out as one after the other', async () => {
      await registerCouponIn(store, reference)
      const group = [useOf(number, 't-1', 300n), grantOf(reference, number), useOf(number, 't-2', 200n)]
      assert.deepEqual(await reconcile.applyAll(group), [])
      await pump()
      assert.deepEqual(
        new Map((await usesOf()) as [string, bigint][]),
        new Map([
          ['t-1', 300n],
          ['t-2', 200n],
        ]),
      )
      assert.equal((await findCoupon(store, reference)).state, 'granted')
    })

    it('a number that becomes known only after the grant is a fact of its own', async () => {
      await registerCouponIn(store, reference)
      assert.equal(await outcomeOf(grantOf(reference)), 'applied')
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'parked')
      assert.equal(await outcomeOf(grantOf(reference, number)), 'applied')
      await pump()
      assert.deepEqual(await factsOf(), ['registered', 'granted', 'reported', 'used'])
      assert.deepEqual(await redis.hgetall(store.keys.repeats(partitionOfCoupon())), {})
    })

    it('twelve uses that arrive together are each counted', async () => {
      await registerCouponIn(store, reference, { couponNumber: number, amount: cny(2000n) })
      const uses = Array.from({ length: 12 }, (_, i) => useOf(number, `t-${i}`, 100n))
      await Promise.all([
        reconcile.applyAll(uses.slice(0, 6)),
        reconcile.applyAll(uses.slice(4, 9)),
        ...uses.slice(9).map((use) => reconcile.applyOne(use)),
      ])
      assert.equal((await usesOf()).length, 12)
      assert.equal((await findCoupon(store, reference)).hold, undefined)
    })
  })

  describe('repeats and contradictions', () => {
    beforeEach(async () => {
      await registerCouponIn(store, reference, { couponNumber: number })
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'applied')
    })

    it('the same use in a new envelope is counted once', async () => {
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'repeat')
      assert.deepEqual(await usesOf(), [['t-1', 300n]])
      assert.deepEqual(await redis.hgetall(store.keys.repeats(partitionOfCoupon())), {
        [`${account} re-sent`]: '1',
      })
    })

    const contradictions: [string, () => Receipt, string, string | undefined][] = [
      [
        'the same purchase with another amount',
        () => useOf(number, 't-1', 301n),
        'amount-differs',
        'mutated',
      ],
      [
        'the same purchase in another currency',
        () => useOf(number, 't-1', 300n, { currency: 'USD' }),
        'currency-differs',
        'mutated',
      ],
      [
        'the same purchase of another stock',
        () => useOf(number, 't-1', 300n, { stockId: '1' }),
        'provider-reference-differs',
        'mutated',
      ],
      ['more than the coupon is worth', () => useOf(number, 't-2', 701n), 'consumed-too-much', undefined],
      ['a failed grant', () => grantOf(reference, number, 'failed'), 'final-state-contradicted', undefined],
      [
        'a grant under another number',
        () => grantOf(reference, 'other'),
        'provider-reference-differs',
        undefined,
      ],
    ]
    for (const [what, said, reason, repeat] of contradictions) {
      it(`${what} holds it, with a case and a question, and changes nothing else`, async () => {
        const before = await findCoupon(store, reference)
        const receipt = said()
        assert.equal(await outcomeOf(receipt), 'held')
        const held = await findCoupon(store, reference)
        assert.equal(held.hold?.reason, reason)
        assert.deepEqual(
          [held.uses, held.state, held.couponNumber],
          [before.uses, before.state, before.couponNumber],
        )
        const [opened] = await openCases()
        assert.ok(opened?.kind === 'held')
        assert.deepEqual([opened.intent, opened.receipts, opened.code], [held.id, [receipt.id], reason])
        assert.ok(
          await redis.zscore(store.keys.watch(partitionOfCoupon(), held.account), held.id),
          'it is asked about',
        )
        const counted = await redis.hgetall(store.keys.repeats(partitionOfCoupon()))
        assert.deepEqual(counted, repeat ? { [`${account} ${repeat}`]: '1' } : {})
        const next = useOf(number, 't-3', 1n)
        assert.equal(await outcomeOf(next), 'awaits-person')
        const [still] = await openCases()
        assert.deepEqual(still?.kind === 'held' && still.receipts, [receipt.id, next.id])
      })
    }

    it('up to what it is worth can be consumed', async () => {
      assert.equal(await outcomeOf(useOf(number, 't-2', 700n)), 'applied')
      assert.equal(await outcomeOf(useOf(number, 't-3', 1n)), 'held')
    })

    it('a coupon of no known worth takes any amount, in one currency', async () => {
      const [other, otherNumber] = [newReference(), newReference()]
      await registerCouponIn(store, other, { couponNumber: otherNumber }, false)
      assert.equal(await outcomeOf(useOf(otherNumber, 't-1', 1_000_000n)), 'applied')
      assert.equal(await outcomeOf(useOf(otherNumber, 't-2', 1n, { currency: 'USD' })), 'held')
    })
  })

  it('a use of a grant that failed holds it', async () => {
    await registerCouponIn(store, reference)
    assert.equal(await outcomeOf(grantOf(reference, number, 'failed')), 'applied')
    assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'held')
    assert.equal((await findCoupon(store, reference)).hold?.reason, 'final-state-contradicted')
  })

  describe('a number that leads to another coupon', () => {
    it('holds the one that is told so by a grant, and leaves the other alone', async () => {
      const other = newReference()
      await registerCouponIn(store, other, { couponNumber: number })
      await registerCouponIn(store, reference)
      const receipt = grantOf(reference, number)
      assert.equal(await outcomeOf(receipt), 'held')
      const held = await findCoupon(store, reference)
      assert.deepEqual([held.hold?.reason, held.state], ['provider-reference-taken', 'registered'])
      assert.equal(held.couponNumber, undefined)
      assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'applied')
      assert.deepEqual(await usesOf(other), [['t-1', 300n]])
      assert.deepEqual(await due(), [])
    })

    it('waits for the archive where that has the other', async () => {
      await registerCouponIn(store, reference, { couponNumber: number })
      await leave(store, couponId())
      const second = newReference()
      await registerCouponIn(store, second)
      store.archive.away = true
      await assert.rejects(
        reconcile.applyOne(grantOf(second, number)),
        (error: AppError) => error.code === 'archive-unavailable',
      )
      store.archive.away = false
      assert.equal(await outcomeOf(grantOf(second, number)), 'held')
    })

    it('keeps no other from being linked while it cannot be looked at', async () => {
      await registerCouponIn(store, reference, { couponNumber: number })
      const second = newReference()
      await registerCouponIn(store, second, { couponNumber: number })
      await leave(store, couponIdOf(account, second))
      const others = Array.from({ length: 16 }, newReference)
      for (const other of others) {
        await registerCouponIn(store, other, { couponNumber: `of-${other}` })
        // As if the process had died before it made the link.
        const name = aliasIdOf('coupon', account, `of-${other}`)
        await redis.del(store.keys.intent(name))
        const link = { kind: 'number', name, to: couponIdOf(account, other), account } as const
        await redis.sadd(store.keys.dueLinks(store.keys.partitionOf(link.to)), encodeLink(link))
      }
      store.archive.away = true
      assert.equal(await sweep(), others.length)
      assert.equal((await due()).length, 1, 'the one that is taken')
      store.archive.away = false
      await sweep()
      assert.equal((await findCoupon(store, second)).hold?.reason, 'provider-reference-taken')
    })

    it('holds exactly one of two that were registered with it at the same moment', async () => {
      const references = [newReference(), newReference(), newReference()]
      await Promise.all(references.map((one) => registerCouponIn(store, one, { couponNumber: number })))
      for (let i = 0; i < 3; i++) await sweep()
      const holds = await Promise.all(
        references.map(async (one) => (await findCoupon(store, one)).hold?.reason),
      )
      assert.deepEqual(holds.filter(Boolean), ['provider-reference-taken', 'provider-reference-taken'])
      const cases = await openCases()
      assert.deepEqual(
        cases.map((one) => one.kind === 'held' && [one.code, one.known, one.receipts]),
        [
          ['provider-reference-taken', undefined, []],
          ['provider-reference-taken', undefined, []],
        ],
      )
      assert.deepEqual(await due(), [])
      const held = (await readAllEvents(store)).filter(({ fact }) => fact.name === 'held')
      assert.equal(held.length, 2)
      const opened = (await readLog(store)).filter((event) => 'case' in event)
      assert.equal(opened.length, 2)
    })

    it('waits with that where a person has the coupon for another reason', async () => {
      await registerCouponIn(store, reference)
      await reconcile.applyOne(grantOf(reference, number, 'failed'))
      await reconcile.applyOne(grantOf(reference, number, 'granted'))
      const { hold } = await findCoupon(store, reference)
      assert.equal(hold?.reason, 'final-state-contradicted')
      // As though another coupon had been quicker.
      const winner = await registerCouponIn(store, newReference())
      await redis.set(
        store.keys.intent(numberIdOf(number)),
        `0 >${winner.outcome === 'registered' && winner.intent.id}`,
      )
      await redis.sadd(store.keys.dueLinks(partitionOfCoupon()), linkText())
      await sweep()
      assert.equal((await findCoupon(store, reference)).hold?.reason, 'final-state-contradicted')
      assert.equal((await due()).length, 1)
    })

    const linkText = () =>
      JSON.stringify({ kind: 'number', name: numberIdOf(number), to: couponId(), account })
  })

  describe('a process that dies between any two steps', () => {
    const commandsMax = 7

    function storeOn(client: Redis) {
      const { keys, vault } = store
      const intents = createIntentStore({
        archive: createMemoryArchive(),
        redis: client,
        keys,
        sealer: keyring,
        vault,
        parkedMax: () => 1_000,
      })
      return { intents, vault, register: createRegister({ redis: client, keys, intents }) }
    }

    async function recover(retry: () => Promise<unknown>): Promise<void> {
      await retry()
      await sweep()
      await pump()
      await sweep()
      await pump()
    }

    async function checkWhole(uses: number): Promise<void> {
      assert.equal((await usesOf()).length, uses)
      assert.equal((await findCoupon(store, reference)).state, 'granted')
      assert.deepEqual(await due(), [])
      const events = await readAllEvents(store)
      assert.deepEqual(
        events.map(({ fact }) => fact.sequence),
        events.map((_, i) => i + 1),
      )
      assert.equal(new Set(events.map(({ fact }) => `${fact.name} ${fact.sequence}`)).size, events.length)
      const counts = await Promise.all(
        Array.from({ length: store.keys.partitions }, (_, p) =>
          redis.hget(store.keys.parkedCounts(p), account),
        ),
      )
      assert.deepEqual(
        counts.filter((count) => count !== null && count !== '0'),
        [],
      )
      assert.equal(await outcomeOf(useOf(number, 't-last', 1n)), 'applied', 'the number leads to it')
    }

    for (let commands = 0; commands <= commandsMax; commands++) {
      it(`loses no use of one that is registered with its number: killed after ${commands} commands`, async () => {
        await reconcile.applyOne(useOf(number, 't-1', 300n))
        const { client } = dyingAfter(redis, commands)
        await registerCouponIn(storeOn(client), reference, { couponNumber: number }).catch(() => {})
        // One that comes before anybody has finished it.
        await reconcile.applyOne(useOf(number, 't-2', 300n))
        await recover(() => registerCouponIn(store, reference, { couponNumber: number }))
        await checkWhole(2)
      })

      it(`loses no use of one whose grant is answered: killed after ${commands} commands`, async () => {
        await registerCouponIn(store, reference)
        await reconcile.applyOne(useOf(number, 't-1', 300n))
        const grant = grantOf(reference, number)
        const { client } = dyingAfter(redis, commands)
        await createSayingReconcile(storeOn(client)).applyAll([grant])
        await reconcile.applyOne(useOf(number, 't-2', 300n))
        await recover(() => reconcile.applyOne(grant))
        await checkWhole(2)
      })
    }

    it('is tested at every step: there are no more commands than that', async () => {
      const registering = dyingAfter(redis, 100)
      await registerCouponIn(storeOn(registering.client), newReference(), { couponNumber: newReference() })
      await registerCouponIn(store, reference)
      const granting = dyingAfter(redis, 100)
      await createSayingReconcile(storeOn(granting.client)).applyOne(grantOf(reference, number))
      for (const sent of [registering.sent(), granting.sent()])
        assert.ok(sent >= 3 && sent <= commandsMax, `${sent}`)
    })

    it('a sweep that dies leaves the rest to the next', async () => {
      for (let commands = 0; commands <= 4; commands++) {
        const one = newReference()
        const { client } = dyingAfter(redis, 1)
        await registerCouponIn(storeOn(client), one, { couponNumber: `${one}-c` }).catch(() => {})
        const dying = dyingAfter(redis, commands)
        await finishOn(store.intents, dying.client)().catch(() => {})
        await sweep()
        assert.deepEqual(await due(), [])
        assert.equal((await store.intents.find(numberIdOf(`${one}-c`)))?.reference, one)
      }
    })
  })

  it('holds parked uses to the account’s limit; one more becomes a failed job and a case', async () => {
    store = createTestStore(redis, 1, 2)
    reconcile = createSayingReconcile(store)
    assert.equal(await outcomeOf(useOf(number, 't-1', 1n)), 'parked')
    assert.equal(await outcomeOf(useOf('another', 't-1', 1n)), 'parked')
    const third = useOf(number, 't-2', 1n)
    await assert.rejects(reconcile.applyOne(third), (error: AppError) => error.code === 'parking-full')
    await registerCouponIn(store, reference, { couponNumber: number })
    await pump()
    assert.equal(await outcomeOf(third), 'applied', 'the job that is retried')
    assert.equal(await outcomeOf(useOf('another', 't-2', 1n)), 'parked', 'there is room again')
  })
})
