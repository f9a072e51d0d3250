import assert from 'node:assert/strict'
import { startRounds } from '../../src/workers/rounds.ts'
import { createMemoryLogger } from '../support/log.ts'
import { until } from '../support/until.ts'

describe('what is done now and then', () => {
  it('is done at once and again, one round at a time, also after one that failed', async () => {
    const logger = createMemoryLogger()
    let [runs, atOnce, atOnceMost] = [0, 0, 0]
    const round = async () => {
      atOnceMost = Math.max(atOnceMost, ++atOnce)
      await new Promise((resolve) => setTimeout(resolve, 5))
      atOnce--
      if (++runs === 1) throw new Error('first')
    }
    const rounds = startRounds({ round, intervalMs: 1, failed: 'thing.not-done', logger })
    await until('three rounds', () => runs >= 3)
    await rounds.stop()
    assert.equal(atOnce, 0, 'It was waited for.')
    assert.equal(atOnceMost, 1)
    const [line, ...more] = logger.lines
    assert.deepEqual([line?.event, String(line?.fields.error)], ['thing.not-done', 'Error: first'])
    assert.deepEqual(more, [])
  })

  it('goes on after a round that threw before it began', async () => {
    let runs = 0
    const round = () => {
      runs++
      throw new Error('at once')
    }
    const logger = createMemoryLogger()
    const rounds = startRounds({ round, intervalMs: 1, failed: 'thing.not-done', logger })
    await until('three rounds', () => runs >= 3)
    await rounds.stop()
  })

  it('is told to stop, and waited for unless that is no use', async () => {
    let ended = false
    const round = (stopping: AbortSignal) =>
      new Promise<void>((resolve) => {
        stopping.addEventListener('abort', () =>
          setTimeout(() => {
            ended = true
            resolve()
          }, 5),
        )
      })
    const about = { round, intervalMs: 1_000, failed: 'thing.not-done', logger: createMemoryLogger() }
    await startRounds(about).stop()
    assert.ok(ended)
    ended = false
    await startRounds(about).stop({ force: true })
    assert.ok(!ended)
  })
})
