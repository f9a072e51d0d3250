import assert from 'node:assert/strict'
import { planRound, strikeKinds } from '../../chaos/plan.ts'
import { type Evidence, judge } from '../../chaos/verdict.ts'

const evidence = (fields: Partial<Evidence>): Evidence => ({
  acknowledged: new Map(),
  genuine: new Set(['a', 'b', 'c']),
  forged: new Set(['f']),
  queued: [],
  ...fields,
})
const moment = { ms: 12, strikes: 1 }

describe('chaos: the verdict', () => {
  it('misses what was acknowledged and is not in the queue, and says when it was', () => {
    const acknowledged = new Map([
      ['a', moment],
      ['b', moment],
    ])
    assert.deepEqual(judge(evidence({ acknowledged, queued: ['a'] })).lost, [{ digest: 'b', ...moment }])
  })

  it('does not mind what is in the queue twice, or was never acknowledged', () => {
    const verdict = judge(evidence({ acknowledged: new Map([['a', moment]]), queued: ['a', 'c', 'a', 'a'] }))
    assert.deepEqual(verdict, { lost: [], repeats: 2, faults: [] })
  })

  it('finds a forged callback in the queue, and one that nobody sent', () => {
    const { faults } = judge(evidence({ queued: ['f', 'x'] }))
    assert.equal(faults.length, 2)
    assert.match(faults[0] ?? '', /forged callback f /)
    assert.match(faults[1] ?? '', /^x is .* nobody sent it/)
  })
})

describe('chaos: the plan', () => {
  it('is the same for the same seed, and another for the next round', () => {
    assert.deepEqual(planRound('s', 1, 5), planRound('s', 1, 5))
    assert.notDeepEqual(planRound('s', 1, 5).strikes, planRound('s', 2, 5).strikes)
  })

  it('deals every kind before any comes again', () => {
    const { strikes } = planRound('s', 1, 2 * strikeKinds.length)
    for (const half of [strikes.slice(0, strikeKinds.length), strikes.slice(strikeKinds.length)]) {
      assert.deepEqual(half.map(({ kind }) => kind).sort(), [...strikeKinds].sort())
    }
  })
})
