import assert from 'node:assert/strict'
import { createRandomPool } from '../../src/seal/random-pool.ts'

describe('random pool', () => {
  it('hands out each byte once, over many pages', () => {
    const take = createRandomPool()
    const taken = Array.from({ length: 20_000 }, () => take(12))
    const before = taken.map((bytes) => bytes.toString('hex'))
    assert.equal(new Set(before).size, taken.length)
    take(100_000)
    assert.deepEqual(
      taken.map((bytes) => bytes.toString('hex')),
      before,
      'what was handed out stays as it was',
    )
  })

  it('gives what is asked, also more than a page', () => {
    const take = createRandomPool()
    assert.deepEqual(
      [take(1).length, take(0).length, take(9000).length, take(8192).length],
      [1, 0, 9000, 8192],
    )
  })
})
