/** Whatever the order, the repeats and the crashes: in the end each use is counted once, and nothing is left lying about. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import type { Receipt } from '../../src/domain/receipt.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createLinks } from '../../src/store/links.ts'
import { createRegister } from '../../src/store/register.ts'
import { createFinishLinks } from '../../src/workers/finish-links.ts'
import {
  account,
  createSayingReconcile,
  findCoupon,
  grantOf,
  registerCouponIn,
  useOf,
} from '../support/coupons.ts'
import { dyingAfter } from '../support/dying.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, keyring, readAllEvents, type TestStore } from '../support/store.ts'

const reference = 'r-1'
const number = 'c-1'
const uses = ['t-0', 't-1', 't-2', 't-3']

/** `dies`: after so many commands; most do not. */
const dies = fc.oneof({ weight: 2, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.nat(8) })
const action = fc.oneof(
  fc.record({ do: fc.constant('register' as const), dies }),
  fc.record({ do: fc.constant('grant' as const), dies }),
  fc.record({ do: fc.constant('use' as const), which: fc.nat(uses.length - 1), dies }),
  fc.record({ do: fc.constant('sweep' as const), dies }),
  fc.record({ do: fc.constant('pump' as const), dies }),
)
type Action = typeof action extends fc.Arbitrary<infer One> ? One : never

describe('a coupon in any order', function () {
  this.timeout(60_000)
  const clients = createTestClients()
  let redis: Redis

  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  function worldOn(store: TestStore, client: Redis) {
    const { keys, vault } = store
    const intents = createIntentStore({
      archive: createMemoryArchive(),
      redis: client,
      keys,
      sealer: keyring,
      vault,
      parkedMax: () => 1_000,
    })
    const reconcile = createSayingReconcile({ intents, vault })
    const finish = createFinishLinks({
      partitions: keys.partitions,
      links: createLinks({ redis: client, keys }),
      intents,
      clock: Date.now,
      logger: createMemoryLogger(),
    })
    const register = createRegister({ redis: client, keys, intents })
    const pump = () => store.ready.pump(async (receipts) => void (await reconcile.applyAll(receipts)))
    return { vault, register, reconcile, finish, pump }
  }

  async function act(store: TestStore, one: Action, isNumbered: boolean, receipts: readonly Receipt[]) {
    const world = worldOn(store, dyingAfter(redis, one.dies).client)
    const [grant, ...told] = receipts as [Receipt, ...Receipt[]]
    switch (one.do) {
      case 'register':
        return registerCouponIn(world, reference, isNumbered ? { couponNumber: number } : {})
      case 'grant':
        return isNumbered ? undefined : world.reconcile.applyOne(grant)
      case 'use':
        return world.reconcile.applyOne(told[one.which] as Receipt)
      case 'sweep':
        return world.finish()
      // What a dying process has taken off the ready list is on the queue, and comes again: that is not its part.
      case 'pump':
        return worldOn(store, redis).pump()
    }
  }

  /** As the queue does, and those who register: what was not finished comes again. */
  async function settle(store: TestStore, isNumbered: boolean, receipts: readonly Receipt[]): Promise<void> {
    const { register, vault, reconcile, finish, pump } = worldOn(store, redis)
    await registerCouponIn({ register, vault }, reference, isNumbered ? { couponNumber: number } : {})
    const [grant, ...told] = receipts as [Receipt, ...Receipt[]]
    assert.deepEqual(await reconcile.applyAll(isNumbered ? told : [grant, ...told]), [])
    for (let i = 0; i < 3; i++) {
      await finish()
      await pump()
    }
  }

  async function leftovers({ keys }: TestStore): Promise<unknown[]> {
    const found = await Promise.all(
      Array.from({ length: keys.partitions }, async (_, partition) => [
        await redis.scard(keys.dueLinks(partition)),
        await redis.hlen(keys.ready(partition)),
        Number((await redis.hget(keys.parkedCounts(partition), account)) ?? 0),
      ]),
    )
    return found.flat().filter((count) => count !== 0)
  }

  it('counts each use once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(action, { minLength: 2, maxLength: 14 }),
        async (isNumbered, actions) => {
          const store = createTestStore(redis, 4)
          const receipts = [grantOf(reference, number), ...uses.map((one) => useOf(number, one, 250n))]
          for (const one of actions) await act(store, one, isNumbered, receipts).catch(() => {})
          await settle(store, isNumbered, receipts)

          const coupon = await findCoupon(store, reference)
          assert.deepEqual(coupon.uses.map(({ transaction }) => transaction).sort(), uses)
          assert.deepEqual([coupon.state, coupon.hold, coupon.couponNumber], ['granted', undefined, number])
          const events = await readAllEvents(store)
          assert.deepEqual(
            events.map(({ fact }) => fact.sequence),
            events.map((_, i) => i + 1),
          )
          assert.deepEqual(
            events.map(({ fact }) => fact.name),
            ['registered', 'granted', ...uses.map(() => 'used')],
          )
          assert.deepEqual(await leftovers(store), [])
        },
      ),
      { numRuns: 50 },
    )
  })
})
