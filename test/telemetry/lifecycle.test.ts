import assert from 'node:assert/strict'
import { createLifecycle, StartAborted } from '../../src/telemetry/lifecycle.ts'
import { createMemoryLogger } from '../support/log.ts'

describe('lifecycle', () => {
  const make = (stopBudgetMs = 1000) => {
    const logger = createMemoryLogger()
    return { logger, lifecycle: createLifecycle({ logger, clock: Date.now, stopBudgetMs }) }
  }

  it('stops in the reverse order of the start, once', async () => {
    const { lifecycle } = make()
    const stopped: string[] = []
    for (const name of ['redis', 'workers', 'listener'])
      lifecycle.add({ name, stop: async () => void stopped.push(name) })
    const results = await Promise.all([lifecycle.stop(), lifecycle.stop()])
    assert.deepEqual(stopped, ['listener', 'workers', 'redis'])
    assert.deepEqual(results, [{ clean: true }, { clean: true }])
  })

  it('goes on past a part that fails or does not end, and says which it was', async () => {
    const { lifecycle, logger } = make(50)
    const stopped: string[] = []
    lifecycle.add({ name: 'redis', stop: async () => void stopped.push('redis') })
    lifecycle.add({ name: 'stuck', stop: () => new Promise(() => {}) })
    lifecycle.add({ name: 'broken', stop: () => Promise.reject(new Error('no')) })
    assert.deepEqual(await lifecycle.stop(), { clean: false })
    assert.deepEqual(stopped, ['redis'])
    assert.deepEqual(
      logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields.part),
      ['broken', 'stuck'],
    )
  })

  it('stops at once what is started after the stop has begun, and tells the start to end', async () => {
    const { lifecycle } = make()
    await lifecycle.stop()
    const stopped: string[] = []
    const late = { name: 'redis', stop: async () => void stopped.push('redis') }
    assert.throws(() => lifecycle.add(late), StartAborted)
    assert.deepEqual(await lifecycle.stop(), { clean: true })
    assert.deepEqual(stopped, ['redis'])
  })
})
