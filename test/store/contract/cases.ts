import assert from 'node:assert/strict'
import type { Failure, Resolution } from '../../../src/domain/case.ts'
import { caseIdOfReceipt } from '../../../src/domain/ids.ts'
import type { Cases } from '../../../src/store/cases.ts'
import type { Subject, SubjectSettings } from '../../model/subject.ts'
import { ids } from '../../support/store.ts'

const byOps: Extract<Resolution, { resolution: 'by-person' }> = {
  resolution: 'by-person',
  resolvedBy: 'ops',
  resolvedBecause: 'paid by hand',
}

export function describeCases(open: (settings: Partial<SubjectSettings>) => Promise<Subject>): void {
  describe('cases', () => {
    let now: number
    let cases: Cases
    let store: Subject
    beforeEach(async () => {
      now = 1_800_000_000_000
      store = await open({ clock: () => now, resolvedMax: 3, partitions: 1 })
      cases = store.cases
    })

    const failureOf = (account = 'wx-test'): Failure => ({
      account,
      receipt: ids.receiptId(),
      code: 'callback-not-understood',
      reason: 'No APIv3 key opens it.',
    })
    async function opened(account?: string) {
      const failure = failureOf(account)
      await cases.open(failure)
      now++
      return { ...failure, id: caseIdOfReceipt(failure.receipt) }
    }
    const idsOf = async (asked: Partial<Parameters<Cases['list']>[0]> = {}) =>
      (await cases.list({ limit: 100, ...asked })).cases.map(({ id }) => id)

    it('are opened once, however often and however many at once', async () => {
      const failure = failureOf()
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => cases.open(failure)))
      assert.equal(outcomes.filter((outcome) => outcome === 'opened').length, 1)
      const id = caseIdOfReceipt(failure.receipt)
      const one = { ...failure, id, kind: 'callback-not-applied', state: 'open', openedAt: now, sequence: 1 }
      now += 5
      assert.equal(await cases.open(failure), 'open-before')
      assert.deepEqual((await cases.list({ limit: 10 })).cases, [one])
      assert.deepEqual(await cases.find(id), one)
      assert.equal(await cases.find(caseIdOfReceipt(ids.receiptId())), undefined)
      assert.equal((await store.readLog()).flat().length, 1)
    })

    it('say what their receipt failed of last, in their old place', async () => {
      const first = await opened()
      const second = await opened()
      assert.equal(await cases.open({ ...first, code: 'cannot-unseal', reason: 'No key.' }), 'open-before')
      assert.deepEqual(await idsOf(), [second.id, first.id])
      assert.equal((await cases.find(first.id))?.reason, 'No key.')
      assert.equal((await store.readLog()).flat().length, 2, 'that is not news')
    })

    it('move from one state to the other and back, each time with an event', async () => {
      const { id, ...failure } = await opened()
      assert.equal((await cases.resolve(id, byOps))?.outcome, 'resolved')
      assert.deepEqual([await idsOf({ state: 'open' }), await idsOf({ state: 'resolved' })], [[], [id]])
      assert.equal((await cases.resolve(id, byOps))?.outcome, 'resolved-before')
      const otherwise = await cases.resolve(id, { ...byOps, resolvedBy: 'other' })
      assert.equal(otherwise?.outcome, 'resolved-otherwise')
      assert.equal(await cases.settle(failure.receipt), 'nothing-open')

      assert.equal(await cases.open({ ...failure, reason: 'Again.' }), 'opened')
      assert.deepEqual([await idsOf({ state: 'open' }), await idsOf({ state: 'resolved' })], [[id], []])
      assert.equal(await cases.settle(failure.receipt), 'resolved')
      const settled = await cases.find(id)
      assert.ok(settled?.state === 'resolved')
      assert.equal(settled.resolution, 'applied')
      const facts = (await store.readLog()).flat().map(({ fact }) => `${fact.name} ${fact.sequence}`)
      assert.deepEqual(facts, ['opened 1', 'resolved 2', 'opened 3', 'resolved 4'])
    })

    it('are settled only where there are some, and resolved only where they are', async () => {
      assert.equal(await cases.settle(ids.receiptId()), 'nothing-open')
      assert.equal(await cases.resolve(caseIdOfReceipt(ids.receiptId()), byOps), undefined)
      assert.deepEqual((await store.readLog()).flat(), [])
    })

    it('are kept while they are open; of the resolved ones the newest of each account', async () => {
      const kept = await opened('other')
      await cases.resolve(kept.id, byOps)
      const all: Awaited<ReturnType<typeof opened>>[] = []
      for (let i = 0; i < 7; i++) all.push(await opened())
      // The oldest is resolved last: it is the resolution's age that counts.
      for (const i of [1, 2, 3, 4, 0]) {
        const one = all[i] ?? assert.fail()
        await cases.resolve(one.id, byOps)
        now++
      }
      assert.deepEqual(await idsOf({ account: 'wx-test', state: 'open' }), [all[6]?.id, all[5]?.id])
      assert.deepEqual(await idsOf({ account: 'wx-test', state: 'resolved' }), [
        all[0]?.id,
        all[4]?.id,
        all[3]?.id,
      ])
      assert.equal(await cases.find(all[1]?.id ?? assert.fail()), undefined)
      assert.deepEqual(await idsOf({ account: 'other' }), [kept.id])
    })

    it('are listed page after page, each once, over accounts and states and partitions', async () => {
      store = await open({ clock: () => now, partitions: 4 })
      cases = store.cases
      const all: string[] = []
      for (let i = 0; i < 4; i++) {
        for (const account of ['wx-test', 'other']) {
          const failure = failureOf(account)
          await cases.open(failure)
          all.push(caseIdOfReceipt(failure.receipt))
        }
      }
      const [first] = (await cases.list({ account: 'other', limit: 1 })).cases
      await cases.resolve((first ?? assert.fail()).id, byOps)
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await cases.list({ after, limit: 3 })
        seen.push(...page.cases.map(({ id }) => id))
        if (page.next === null) break
        assert.equal(page.cases.length, 3)
        after = page.next
      }
      assert.deepEqual(seen, all.sort().reverse())
    })
  })
}
