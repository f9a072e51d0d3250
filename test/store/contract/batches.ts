import assert from 'node:assert/strict'
import { type Batch, emptyTotals } from '../../../src/domain/batch.ts'
import { settleBatch } from '../../../src/domain/decide-batch.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import type { Subject } from '../../model/subject.ts'
import { baht, batchEvent, change, transferEvent } from '../../model/things.ts'
import { settling } from './commit.ts'

export function describeBatches(open: () => Promise<Subject>): void {
  describe('a batch', () => {
    async function registered(store: Subject, amounts = [10_000n, 5_000n]) {
      const { intent: batch, ...event } = batchEvent('b-1', { count: amounts.length })
      await store.register({ ...event, intent: batch })
      await store.openTotals(batch.id, amounts.length)
      const members: Transfer[] = []
      for (const [i, minor] of amounts.entries()) {
        const member = transferEvent(`m-${i}`, { batch: batch.id, amount: baht(minor) })
        await store.register(member)
        members.push(member.intent)
      }
      await store.undue(batch.id)
      return { batch, members }
    }
    const lookAt = async (store: Subject, { id }: Batch) => (await store.look([id]))[0]

    it('has totals that move with its transfers', async () => {
      const store = await open()
      const { batch, members } = await registered(store)
      const [first, second] = members as [Transfer, Transfer]
      const totals = { ...emptyTotals(), registered: { count: 2, minor: 15_000n } }
      assert.deepEqual((await lookAt(store, batch))?.totals, { totals, version: '2' })
      const request = settling(first)
      await store.intents.commit(request)
      await store.intents.commit(settling(second, { steps: [change(second, { state: 'failed' }, 'failed')] }))
      const moved = {
        ...emptyTotals(),
        succeeded: { count: 1, minor: 10_000n },
        failed: { count: 1, minor: 5_000n },
      }
      assert.deepEqual((await lookAt(store, batch))?.totals, { totals: moved, version: '4' })
      const [loaded] = await store.intents.load([batch.id])
      assert.ok(loaded?.outcome === 'found')
      assert.deepEqual(loaded.totals, { totals: moved, version: '4' })
    })

    it('counts what moved in truth', async () => {
      const store = await open()
      const { batch, members } = await registered(store)
      const [first] = members as [Transfer, Transfer]
      await store.intents.commit(
        settling(first, {
          steps: [change(first, { state: 'succeeded', settledAmount: baht(9_000n) })],
        }),
      )
      const totals = (await lookAt(store, batch))?.totals?.totals
      assert.deepEqual(totals?.succeeded, { count: 1, minor: 9_000n })
      assert.deepEqual(totals?.registered, { count: 1, minor: 5_000n })
    })

    it('leaves the totals alone where a commit fails, or changes no state', async () => {
      const store = await open()
      const { batch, members } = await registered(store)
      const [first] = members as [Transfer, Transfer]
      const before = (await lookAt(store, batch))?.totals
      const stale = { ...first, sequence: 7 }
      assert.deepEqual(await store.intents.commit(settling(stale)), { outcome: 'moved-on' })
      const fee = change(first, { fee: baht(5n) }, 'processing')
      assert.deepEqual(await store.intents.commit(settling(first, { steps: [fee] })), {
        outcome: 'committed',
      })
      assert.deepEqual((await lookAt(store, batch))?.totals, before)
    })

    it('is due at the first movement, then not before the last, and after that at each', async () => {
      const store = await open()
      const { batch, members } = await registered(store, [1n, 2n, 3n])
      const [first, second, third] = members as [Transfer, Transfer, Transfer]
      assert.equal((await lookAt(store, batch))?.due, false)
      const one = settling(first)
      await store.intents.commit(one)
      assert.equal((await lookAt(store, batch))?.due, true)

      await settle(store, batch, 'processing')
      await store.intents.commit(settling(second))
      assert.equal((await lookAt(store, batch))?.due, false)
      await store.intents.commit(settling(third))
      assert.equal((await lookAt(store, batch))?.due, true)

      await settle(store, batch, 'finished')
      const after = one.steps[0]?.intent as Transfer
      await store.intents.commit(
        settling(after, { steps: [change(after, { state: 'returned' }, 'returned')] }),
      )
      assert.equal((await lookAt(store, batch))?.due, true)
      await settle(store, batch, 'amended')
    })

    it('is decided on totals as they are, or again', async () => {
      const store = await open()
      const { batch, members } = await registered(store)
      const [first, second] = members as [Transfer, Transfer]
      await store.intents.commit(settling(first))
      const request = await decided(store, batch)
      await store.intents.commit(settling(second))
      assert.deepEqual(await store.intents.commit(request), { outcome: 'moved-on' })
      assert.deepEqual((await lookAt(store, batch))?.intent, batch)
      await settle(store, batch, 'finished')
    })

    async function decided(store: Subject, { id }: Batch) {
      const [loaded] = await store.intents.load([id])
      assert.ok(loaded?.outcome === 'found' && loaded.intent.kind === 'batch' && loaded.totals)
      const { steps } = settleBatch(loaded.intent, loaded.totals.totals, 3_000)
      const { totals, version } = loaded.totals
      return {
        before: loaded.intent,
        steps,
        because: { source: 'callback' as const },
        totals: { before: totals, version },
        at: 3_000,
      }
    }

    async function settle(store: Subject, batch: Batch, name: string) {
      const request = await decided(store, batch)
      assert.equal(request.steps.at(-1)?.fact.name, name)
      await store.undue(batch.id)
      assert.deepEqual(await store.intents.commit(request), { outcome: 'committed' })
      const logged = (await store.readLog()).flat().at(-1)
      assert.ok(logged && 'intent' in logged)
      assert.deepEqual(logged.totals, request.totals.before)
    }
  })
}
