import assert from 'node:assert/strict'
import {
  breakerAt,
  type EndpointHealth,
  type HealthNews,
  healthy,
  heed,
  isGivenUp,
} from '../../src/domain/endpoint-health.ts'

const random = () => 0.5
const failed = (at: number, subject: string, error = 'status', retryAfterMs?: number): HealthNews => ({
  news: 'failed',
  at,
  subject,
  attempt: { at, tookMs: 1, error, ...(error === 'status' && { status: 503 }) },
  retryAfterMs,
})

function stateAfter(all: readonly HealthNews[], start: EndpointHealth = healthy): EndpointHealth {
  return all.reduce((health, news) => heed(health, news, random)?.after ?? health, start)
}

const tenOf = (subjects: readonly string[], error?: string) =>
  Array.from({ length: 10 }, (_, i) => failed(i, subjects[i % subjects.length] ?? '', error))

describe('the health of an endpoint', () => {
  it('ten failures in a row over two intents open the breaker for five seconds', () => {
    const health = stateAfter(tenOf(['a', 'b']))
    assert.equal(health.openUntil, 9 + 5_000)
    assert.equal(breakerAt(health, 5_000), 'open')
    assert.equal(breakerAt(health, 5_009), 'half-open')
  })

  it('one intent that fails cannot open it, unless no connection can be made', () => {
    assert.equal(stateAfter(tenOf(['a'])).openUntil, undefined)
    assert.notEqual(stateAfter(tenOf(['a'], 'connection-failed')).openUntil, undefined)
  })

  it('each probe that fails doubles the time, up to five minutes', () => {
    let health = stateAfter(tenOf(['a', 'b']))
    const lengths: number[] = []
    for (let i = 0; i < 9; i++) {
      const at = health.openUntil ?? 0
      health = stateAfter([failed(at, 'a')], health)
      lengths.push((health.openUntil ?? 0) - at)
    }
    assert.deepEqual(lengths.slice(0, 3), [10_000, 20_000, 40_000])
    assert.equal(lengths.at(-1), 300_000)
  })

  it('what was under way when it opened says nothing of it any more', () => {
    const open = stateAfter(tenOf(['a', 'b']))
    assert.equal(stateAfter([failed(100, 'c')], open).openUntil, open.openUntil)
  })

  it('one success closes it and begins anew', () => {
    const open = stateAfter(tenOf(['a', 'b']))
    const heard = heed(open, { news: 'taken', at: 9_000 }, random)
    assert.equal(heard?.change, 'closed')
    assert.deepEqual([heard?.after.failures, heard?.after.openUntil, heard?.after.opened], [0, undefined, 0])
  })

  it('while one tries, nobody else does', () => {
    const open = stateAfter(tenOf(['a', 'b']))
    assert.equal(breakerAt({ ...open, probeUntil: 30_000 }, 20_000), 'open')
    assert.equal(breakerAt({ ...open, probeUntil: 30_000 }, 30_000), 'half-open')
  })

  it('429 and 503 with Retry-After open it for as long as asked, an hour at most', () => {
    assert.equal(stateAfter([failed(0, 'a', 'status', 120_000)]).openUntil, 120_000)
    assert.equal(stateAfter([failed(0, 'a', 'status', 86_400_000)]).openUntil, 3_600_000)
  })

  it('a success of a healthy one is written every ten seconds at most', () => {
    const health = stateAfter([{ news: 'taken', at: 0 }])
    assert.equal(heed(health, { news: 'taken', at: 9_999 }, random), undefined)
    assert.notEqual(heed(health, { news: 'taken', at: 10_000 }, random), undefined)
  })

  it('is given up when it has taken nothing for so long, and not for one intent alone', () => {
    const long = 120 * 3_600_000
    assert.equal(isGivenUp(stateAfter(tenOf(['a', 'b'])), long, long), true)
    assert.equal(isGivenUp(stateAfter(tenOf(['a'])), long, long), false)
    assert.equal(isGivenUp({ ...stateAfter(tenOf(['a', 'b'])), lastSuccessAt: 1_000 }, long, long), false)
  })
})
