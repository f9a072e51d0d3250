import assert from 'node:assert/strict'
import { nextTryAt } from '../../../src/workers/deliver/retry-times.ts'

const hour = 3_600_000
const terms = { retryMs: 72 * hour, random: () => 0.5 }

describe('retry times', () => {
  it('come soon at first and then twice a day, about fifteen in three days', () => {
    let at = 0
    const times: number[] = []
    for (let attempts = 1; ; attempts++) {
      const next = nextTryAt({ at, firstAt: 0, attempts }, terms)
      if (next === undefined) break
      times.push(next - at)
      at = next
    }
    const [first, second, third] = times
    assert.deepEqual([first, second, third], [5_000, 30_000, 120_000])
    assert.equal(at, 72 * hour, 'once more at the end')
    assert.ok(times.length >= 13 && times.length <= 16, `${times.length}`)
  })

  it('spread by a fifth, so that what failed together does not come back together', () => {
    const at = (random: number) =>
      nextTryAt({ at: 0, firstAt: 0, attempts: 1 }, { ...terms, random: () => random })
    assert.deepEqual([at(0), at(1)], [4_000, 6_000])
  })

  it('are put off as the endpoint asks', () => {
    assert.equal(nextTryAt({ at: 0, firstAt: 0, attempts: 1, retryAfterMs: 600_000 }, terms), 600_000)
  })

  it('end when it has been tried for so long', () => {
    assert.equal(nextTryAt({ at: 72 * hour, firstAt: 0, attempts: 14 }, terms), undefined)
  })
})
