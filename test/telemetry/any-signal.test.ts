import assert from 'node:assert/strict'
import { anySignal } from '../../src/telemetry/any-signal.ts'
import { collectGarbage } from '../support/garbage.ts'
import { until } from '../support/until.ts'

describe('anySignal', () => {
  it('ends with a time-out that nobody else holds, whatever garbage is collected meanwhile', async () => {
    const never = new AbortController().signal
    const any = anySignal(never, AbortSignal.timeout(200))
    await until(
      'its end',
      () => {
        collectGarbage()
        return any.aborted
      },
      3_000,
    )
    assert.equal((any.reason as Error).name, 'TimeoutError')
  })

  it('also where another one is made of it', async () => {
    const never = new AbortController().signal
    const inner = anySignal(never, AbortSignal.timeout(200))
    const outer = anySignal(inner, never)
    let ended = false
    outer.addEventListener('abort', () => {
      ended = true
    })
    await until(
      'its end',
      () => {
        collectGarbage()
        return ended
      },
      3_000,
    )
  })

  it('ends with the first of them, for its reason', () => {
    const controller = new AbortController()
    const any = anySignal(controller.signal, AbortSignal.timeout(60_000))
    controller.abort(new Error('enough'))
    assert.equal((any.reason as Error).message, 'enough')
    assert.ok(anySignal(AbortSignal.abort()).aborted)
  })
})
