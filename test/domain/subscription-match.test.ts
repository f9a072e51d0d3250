import assert from 'node:assert/strict'
import { matcherOf } from '../../src/domain/subscription-match.ts'
import { eventTypes, matchTypes } from '../../src/events/catalogue.ts'

const matches = (
  fields: { types?: string[]; accounts?: string[] },
  type: string,
  account?: string | undefined,
) => matcherOf({ types: [], accounts: [], ...fields })({ type, account })

describe('what a subscription takes', () => {
  it('is everything where nothing is said', () => {
    assert.ok(matches({}, 'tallyhook.transfer.succeeded.v1', 'a'))
    assert.ok(matches({}, 'tallyhook.subscription.disabled.v1'))
  })

  it('is a type, or what begins so', () => {
    const types = ['tallyhook.transfer.*', 'tallyhook.batch.finished.v1']
    assert.ok(matches({ types }, 'tallyhook.transfer.succeeded.v1'))
    assert.ok(matches({ types }, 'tallyhook.transfer.invented-later.v2'))
    assert.ok(matches({ types }, 'tallyhook.batch.finished.v1'))
    assert.ok(!matches({ types }, 'tallyhook.batch.finished.v2'))
    assert.ok(!matches({ types }, 'tallyhook.batch.closed.v1'))
    assert.ok(matches({ types: ['*'] }, 'tallyhook.batch.closed.v1'))
  })

  it('is of the accounts that are named; what is of none is of none of them', () => {
    const accounts = ['a', 'b']
    assert.ok(matches({ accounts }, 'tallyhook.transfer.succeeded.v1', 'b'))
    assert.ok(!matches({ accounts }, 'tallyhook.transfer.succeeded.v1', 'c'))
    assert.ok(!matches({ accounts }, 'tallyhook.subscription.disabled.v1'))
    assert.ok(!matches({ accounts, types: ['tallyhook.case.*'] }, 'tallyhook.transfer.succeeded.v1', 'a'))
  })

  it('means by a pattern what the feed means by it', () => {
    for (const pattern of [
      '*',
      'tallyhook.*',
      'tallyhook.transfer.*',
      'tallyhook.case.opened.v1',
      'tallyhook.b*',
    ]) {
      assert.deepEqual(
        eventTypes.filter((type) => matches({ types: [pattern] }, type)),
        matchTypes(pattern),
        pattern,
      )
    }
  })
})
