import assert from 'node:assert/strict'
import { type Case, caseIdOf, openCase, type Resolution, resolveCase } from '../../src/domain/case.ts'
import { readCaseId } from '../../src/domain/ids.ts'
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
    const id = caseIdOf(failure.receipt)
    assert.equal(id.slice(5), failure.receipt.slice(3))
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
      assert.deepEqual(again, { ...opened(), openedAt: 3_000 })
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
})
