import assert from 'node:assert/strict'
import {
  attachReceipt,
  type Case,
  type HeldCase,
  openCase,
  openDriftCase,
  openHeldCase,
  type Resolution,
  resolveCase,
} from '../../src/domain/case.ts'
import { caseIdOfHold, caseIdOfReceipt, type ReceiptId, readCaseId } from '../../src/domain/ids.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { ids } from '../support/store.ts'

const failure = {
  account: 'wx-test',
  receipt: ids.receiptId(),
  code: 'callback-not-understood',
  reason: 'No APIv3 key opens it.',
} as const
const byPerson = (resolvedBy: string, resolvedBecause = 'paid by hand'): Resolution => ({
  resolution: 'by-person',
  resolvedBy,
  resolvedBecause,
})

function opened(before?: Case): Case {
  const after = openCase(before, failure, 1_000)
  assert.ok(after)
  return after
}

function resolved(resolution: Resolution): Case {
  return resolveCase(opened(), resolution, 2_000).after
}

describe('case', () => {
  it('has an id that is its receipt’s in other words', () => {
    const id = caseIdOfReceipt(failure.receipt)
    assert.deepEqual([...id.slice(5)].sort(), [...failure.receipt.slice(3)].sort())
    assert.equal(id.slice(5, 9), failure.receipt.slice(-4), 'what differs most stands first')
    assert.equal(readCaseId(id), id)
    for (const text of ['', 'case-', failure.receipt, `${id}x`]) assert.equal(readCaseId(text), undefined)
  })

  it('stays opened when it was, and says what its receipt failed of last', () => {
    const before = opened()
    assert.equal(openCase(before, failure, 3_000), undefined)
    const again = openCase(before, { ...failure, code: 'cannot-unseal', reason: 'No key.' }, 3_000)
    assert.deepEqual([again?.openedAt, again?.code, again?.reason], [1_000, 'cannot-unseal', 'No key.'])
  })

  it('is opened anew when it was resolved, and nothing is left of its resolution', () => {
    for (const before of [resolved(byPerson('ops')), resolved({ resolution: 'applied' })]) {
      const again = openCase(before, failure, 3_000)
      assert.deepEqual(again, { ...opened(), openedAt: 3_000, sequence: 3 })
    }
  })

  it('is resolved once: the same again changes nothing, anything else is refused', () => {
    const first = resolveCase(opened(), byPerson('ops'), 2_000)
    assert.equal(first.outcome, 'resolved')
    const outcomeOf = (resolution: Resolution) => {
      const { outcome, after } = resolveCase(first.after, resolution, 3_000)
      assert.equal(after, first.after)
      return outcome
    }
    assert.equal(outcomeOf(byPerson('ops')), 'resolved-before')
    assert.equal(outcomeOf(byPerson('ops', 'another reason')), 'resolved-otherwise')
    assert.equal(outcomeOf(byPerson('other')), 'resolved-otherwise')
    assert.equal(outcomeOf({ resolution: 'applied' }), 'resolved-otherwise')
  })

  describe('of what is held', () => {
    const id = transferIdOf('wx-test', 'ref-1')
    const hold = { reason: 'amount-differs', case: caseIdOfHold(id, 3) } as const
    const held = (settledBy?: string): HeldCase =>
      openHeldCase({ id, account: 'wx-test', hold, settledBy }, failure.receipt, 1_000)

    it('has the id of its hold, and both sides', () => {
      const known = ids.receiptId()
      assert.deepEqual(held(known), {
        id: `case-${id.slice(3)}-3`,
        kind: 'held',
        account: 'wx-test',
        code: 'amount-differs',
        reason: 'Another amount was reported than is registered.',
        intent: id,
        known,
        receipts: [failure.receipt],
        state: 'open',
        openedAt: 1_000,
        sequence: 1,
      })
      assert.equal('known' in held(), false, 'nobody but us said so')
      assert.equal(readCaseId(held().id), held().id)
    })

    it('takes up what comes later, each once, and is no news by it', () => {
      const other = ids.receiptId()
      const more = attachReceipt(held(), other)
      assert.deepEqual(more?.receipts, [failure.receipt, other])
      assert.equal(more.sequence, 1)
      assert.equal(attachReceipt(more, other), undefined)
      assert.equal(attachReceipt(more, failure.receipt), undefined)
    })

    it('is resolved again only by the same action, on the same word', () => {
      const taken = { action: 'take-theirs', taken: failure.receipt } as const
      const first = resolveCase(held(), { ...byPerson('ops'), ...taken } as Resolution, 2_000)
      assert.equal(first.outcome, 'resolved')
      assert.equal(first.after.sequence, 2)
      const again = (more: { action?: string; taken?: ReceiptId }) =>
        resolveCase(first.after, { ...byPerson('ops'), ...more } as Resolution, 3_000).outcome
      assert.equal(again(taken), 'resolved-before')
      assert.equal(again({ action: 'keep-ours' }), 'resolved-otherwise')
      assert.equal(again({ ...taken, taken: ids.receiptId() }), 'resolved-otherwise')
      assert.equal(again({}), 'resolved-otherwise')
    })
  })

  it('of a drift is named for the event that says so', () => {
    const id = transferIdOf('wx-test', 'ref-1')
    const about = { code: 'own-books', reason: 'The sums differ.', sequence: 7, receipts: [] } as const
    const one = openDriftCase({ id, account: 'wx-test' }, { ...about, receipts: [] }, 1_000)
    assert.equal(one.id, caseIdOfHold(id, 7))
    assert.deepEqual([one.kind, one.state, one.sequence], ['drifted', 'open', 1])
  })
})
