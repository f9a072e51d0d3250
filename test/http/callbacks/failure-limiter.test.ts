import assert from 'node:assert/strict'
import { createFailureLimiter } from '../../../src/http/callbacks/failure-limiter.ts'

describe('failure limiter', () => {
  it('forgets the oldest sources rather than growing without end', () => {
    let now = 0
    const limiter = createFailureLimiter(() => now)
    for (let i = 0; i < 20; i++) limiter.failed('first')
    assert.ok(limiter.waitMs('first') > 0)
    for (let i = 0; i < 10_000; i++) limiter.failed(`source-${i}`)
    assert.equal(limiter.waitMs('first'), 0, 'it was pushed out')
    now += 1
    assert.equal(limiter.waitMs('source-9999'), 0)
  })

  it('keeps a source that has verified while forgeries come from everywhere', () => {
    const limiter = createFailureLimiter(() => 0)
    limiter.verified('provider')
    for (let i = 0; i < 15_000; i++) limiter.failed(`source-${i}`)
    for (let i = 0; i < 100; i++) limiter.failed('provider')
    assert.equal(limiter.waitMs('provider'), 0)
  })
})
