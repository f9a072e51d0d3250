import assert from 'node:assert/strict'
import { aliasIdOf, batchIdOf, transferIdOf } from '../../../src/store/ids.ts'
import { openReceipt } from '../../../src/workers/observe.ts'
import type { Subject } from '../../model/subject.ts'
import { account, couponEvent, receipt, transferEvent } from '../../model/things.ts'
import { keyring } from '../../support/store.ts'

export function describeParking(open: (parkedMax?: number) => Promise<Subject>): void {
  describe('parking', () => {
    const target = transferIdOf(account, 'r-1')
    const park = async (store: Subject, one = receipt('1'), of = account) =>
      (await store.intents.parkAll([{ target, account: of, receipt: one }]))[0]

    it('takes a receipt once, however often its job is delivered', async () => {
      const store = await open()
      const one = receipt('1')
      assert.deepEqual([await park(store, one), await park(store, one)], ['parked', 'parked'])
      assert.deepEqual(await store.lookAt([target]), [[one.id]])
      assert.equal(await store.parkedCount(account), 1)
    })

    it('takes none for what is registered, and some for what is claimed', async () => {
      const store = await open()
      await store.claim(target, batchIdOf(account, 'b-9'))
      assert.equal(await park(store), 'parked')
      const other = transferEvent('r-2')
      await store.register(other)
      const request = { target: other.intent.id, account, receipt: receipt('1') }
      assert.deepEqual(await store.intents.parkAll([request]), ['registered'])
    })

    it('takes an account’s share and no more, and again when some have left', async () => {
      const store = await open(8)
      // Each of the four partitions has its share of two.
      const outcomes = [await park(store), await park(store), await park(store)]
      assert.deepEqual(outcomes, ['parked', 'parked', 'full'])
      assert.equal(await park(store, receipt('1'), 'other'), 'parked')
      assert.equal(await store.parkedCount(account), 2)
      await store.register(transferEvent('r-1'))
      assert.equal(await store.parkedCount('other'), 1)
      assert.equal((await store.lookAt([target]))[0]?.length, 0)
    })

    it('answers one that is parked already also when the share is full', async () => {
      const store = await open(4)
      const one = receipt('1')
      assert.deepEqual([await park(store, one), await park(store, one)], ['parked', 'parked'])
      assert.equal(await park(store), 'full')
    })

    it('hands out what it took, byte for byte', async () => {
      const store = await open()
      const one = receipt('what was signed')
      await park(store, one)
      await store.register(transferEvent('r-1'))
      await store.ready.pump(async ([first]) => {
        assert.ok(first)
        assert.deepEqual(openReceipt(first, keyring), one)
      })
    })

    it('keeps what is ready until somebody took it', async () => {
      const store = await open()
      await park(store)
      await store.register(transferEvent('r-1'))
      await assert.rejects(
        store.ready.pump(() => Promise.reject(new Error('away'))),
        /away/,
      )
      assert.equal(await store.ready.pump(async () => {}), 1)
      assert.equal(await store.ready.pump(() => assert.fail('Nothing is left.')), 0)
    })

    it('pumps every partition, each in the order of arrival', async () => {
      const store = await open()
      const events = Array.from({ length: 40 }, (_, i) => transferEvent(`r-${i}`))
      for (const { intent } of events)
        await store.intents.parkAll([{ target: intent.id, account, receipt: receipt('1') }])
      for (const event of events) await store.register(event)
      const groups: string[][] = []
      assert.equal(await store.ready.pump(async (some) => void groups.push(some.map(({ id }) => id))), 40)
      assert.equal(groups.length, 4)
      for (const group of groups) assert.deepEqual(group, [...group].sort())
    })

    it('holds what names a number of the provider’s until somebody bears it', async () => {
      const store = await open()
      const coupon = couponEvent('c-1')
      const number = aliasIdOf('coupon', account, '4711')
      const one = receipt('1')
      assert.deepEqual(await store.intents.parkAll([{ target: number, account, receipt: one }]), ['parked'])
      await store.register(coupon)
      assert.deepEqual(await store.intents.load([number]), [{ outcome: 'unknown' }])
      await store.lead(number, coupon.intent.id)
      assert.deepEqual(await store.intents.find(number), coupon.intent)
      assert.equal(await store.parkedCount(account), 0)
      assert.equal(await store.ready.pump(async ([first]) => assert.equal(first?.id, one.id)), 1)
      const again = { target: number, account, receipt: receipt('2') }
      assert.deepEqual(await store.intents.parkAll([again]), ['registered'])
    })
  })
}
