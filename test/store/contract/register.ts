import assert from 'node:assert/strict'
import { batchIdOf, transferIdOf } from '../../../src/store/ids.ts'
import type { Subject } from '../../model/subject.ts'
import { account, batchEvent, couponEvent, receipt, transferEvent } from '../../model/things.ts'

export function describeRegistration(open: () => Promise<Subject>): void {
  describe('registration', () => {
    it('keeps an intent of each kind and its first event together, and has it watched', async () => {
      const store = await open()
      for (const event of [transferEvent('r-1'), batchEvent('b-1'), couponEvent('c-1')]) {
        const { intent } = event
        const registered = await store.register(event as typeof event & { intent: never })
        assert.deepEqual(registered, { outcome: 'registered', intent, madeReady: 0 })
        const [look] = await store.look([intent.id])
        assert.deepEqual(look?.intent, intent)
        assert.deepEqual([look?.watched, look?.final], [1_000 + 30_000, undefined])
        assert.deepEqual(await store.intents.find(intent.id), intent)
      }
      assert.equal((await store.readLog()).flat().length, 3)
    })

    it('happens once, also for many at the same moment', async () => {
      const store = await open()
      const event = transferEvent('r-1')
      const all = await Promise.all(Array.from({ length: 6 }, () => store.register(event)))
      const outcomes = all.map(({ outcome }) => outcome).sort()
      assert.deepEqual(outcomes, [...Array<string>(5).fill('exists'), 'registered'])
      assert.deepEqual((await store.readLog()).flat(), [event])
    })

    it('answers with what is there, also where that has other content', async () => {
      const store = await open()
      const event = transferEvent('r-1')
      await store.register(event)
      const other = await store.register(transferEvent('r-1', { contentDigest: 'other' }))
      assert.deepEqual(other, { outcome: 'exists', intent: event.intent })
    })

    it('waits for a registration that has claimed the reference', async () => {
      const store = await open()
      await store.claim(transferIdOf(account, 'r-1'), batchIdOf(account, 'b-9'))
      assert.deepEqual(await store.register(transferEvent('r-1')), { outcome: 'claimed' })
      const [look] = await store.look([transferIdOf(account, 'r-1')])
      assert.deepEqual([look?.intent, look?.watched], [undefined, undefined])
      assert.deepEqual((await store.readLog()).flat(), [])
    })

    it('makes what waited for it ready, in the same step', async () => {
      const store = await open()
      const event = transferEvent('r-1')
      const { id } = event.intent
      const early = [receipt('1'), receipt('2')]
      for (const one of early) await store.intents.parkAll([{ target: id, account, receipt: one }])
      const other = receipt('3')
      const elsewhere = transferIdOf(account, 'r-2')
      await store.intents.parkAll([{ target: elsewhere, account, receipt: other }])
      const registered = await store.register(event)
      assert.ok(registered.outcome === 'registered')
      assert.equal(registered.madeReady, 2)
      assert.deepEqual(await store.lookAt([id, elsewhere]), [[], [other.id]])
      assert.equal(await store.parkedCount(account), 1)
      const pumped: string[] = []
      await store.ready.pump(async (some) => void pumped.push(...some.map((one) => one.id)))
      assert.deepEqual(
        pumped,
        early.map((one) => one.id),
      )
    })
  })
}
