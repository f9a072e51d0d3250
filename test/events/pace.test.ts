import assert from 'node:assert/strict'
import { createPace } from '../../src/events/pace.ts'

describe('pace of those who read far back', () => {
  /** Time that passes only when somebody works or rests. `others`: how much of all time others need; during a page they wait. */
  function createProcess(others: () => number) {
    let time = 0
    let used = 0
    let paged = 0
    let waiting = 0
    const pace = createPace({
      now: () => time,
      usedMs: () => used,
      rest: async (ms) => {
        const work = waiting + ms * others()
        waiting = 0
        time += Math.max(ms, work)
        used += work
      },
    })
    const page = (ms: number) =>
      pace.turn(async () => {
        time += ms
        used += ms
        paged += ms
        waiting += ms * others()
      })
    return { page, share: () => paged / time }
  }

  it('is full while there is nothing else to do', async () => {
    const { page, share } = createProcess(() => 0)
    for (let i = 0; i < 50; i++) await page(10)
    assert.ok(share() > 0.85, `${share()}`)
  })

  it('is a fifth of the process while it has other work, and full again after that', async () => {
    let busy = 0.5
    const { page, share } = createProcess(() => busy)
    for (let i = 0; i < 200; i++) await page(10)
    assert.ok(share() < 0.25, `${share()}`)
    assert.ok(share() > 0.1, `${share()}`)
    busy = 0
    const before = share()
    for (let i = 0; i < 400; i++) await page(10)
    assert.ok(share() > before * 2, `${share()}`)
  })

  it('is shared: one page at a time, in the order in which they came, whatever fails', async () => {
    const pace = createPace({ rest: async () => {} })
    const done: number[] = []
    let atOnce = 0
    const turns = [0, 1, 2, 3, 4].map((i) =>
      pace.turn(async () => {
        assert.equal(++atOnce, 1)
        await new Promise((resolve) => setImmediate(resolve))
        atOnce--
        done.push(i)
        if (i === 2) throw new Error('No.')
      }),
    )
    const outcomes = await Promise.allSettled(turns)
    assert.deepEqual(done, [0, 1, 2, 3, 4])
    assert.deepEqual(
      outcomes.map(({ status }) => status === 'fulfilled'),
      [true, true, false, true, true],
    )
  })
})
