import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { onAbort } from '../../src/outbound/on-abort.ts'

describe('waiting for a signal', () => {
  it('bears one listener however many wait, and none once nobody does', () => {
    const controller = new AbortController()
    const { signal } = controller
    for (let round = 0; round < 2; round++) {
      const leaves = Array.from({ length: 20 }, () => onAbort(signal, () => assert.fail('It had left.')))
      assert.equal(getEventListeners(signal, 'abort').length, 1)
      for (const leave of leaves) leave()
      leaves[0]?.()
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    }
    controller.abort()
  })

  it('tells each of them, also where one leaves because of it', () => {
    const controller = new AbortController()
    const told: number[] = []
    const leaves = [1, 2, 3].map((n) =>
      onAbort(controller.signal, () => {
        told.push(n)
        leaves[n - 1]?.()
      }),
    )
    controller.abort()
    assert.deepEqual(told, [1, 2, 3])
  })
})
