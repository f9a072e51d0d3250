import assert from 'node:assert/strict'
import { startEvery } from '../../src/workers/every.ts'
import { until } from '../support/until.ts'

describe('what is done now and then', () => {
  it('is done at once and again, one run at a time, also after one that failed', async () => {
    let [runs, atOnce, atOnceMost] = [0, 0, 0]
    const errors: unknown[] = []
    const every = startEvery(
      1,
      async () => {
        atOnceMost = Math.max(atOnceMost, ++atOnce)
        await new Promise((resolve) => setTimeout(resolve, 5))
        atOnce--
        if (++runs === 1) throw new Error('first')
      },
      (error) => errors.push(error),
    )
    await until('three runs', () => runs >= 3)
    await every.stop()
    assert.equal(atOnce, 0, 'It was waited for.')
    assert.equal(atOnceMost, 1)
    assert.match(String(errors), /first/)
  })

  it('is told to stop, and waited for unless that is no use', async () => {
    let ended = false
    const fail = (error: unknown) => assert.fail(String(error))
    const run = (signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () =>
          setTimeout(() => {
            ended = true
            resolve()
          }, 5),
        )
      })
    await startEvery(1_000, run, fail).stop()
    assert.ok(ended)
    ended = false
    await startEvery(1_000, run, fail).stop({ force: true })
    assert.ok(!ended)
  })
})
