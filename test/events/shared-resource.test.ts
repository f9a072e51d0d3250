import assert from 'node:assert/strict'
import { presentSending } from '../../src/events/shared-resource.ts'

describe('how far the sending of a transfer has come', () => {
  const submission = { step: 'waiting', at: 1_000 } as const

  it('is said while it waits', () => {
    assert.equal(presentSending({ state: 'submitted', submission }).submission?.step, 'waiting')
  })

  it('is not said of what was cancelled before it was sent: it does not wait for anything', () => {
    assert.equal(presentSending({ state: 'cancelled', submission }).submission, undefined)
  })

  it('is said of what was cancelled after a call for it was begun', () => {
    const begun = { step: 'reserved', at: 1_000 } as const
    assert.equal(presentSending({ state: 'cancelled', submission: begun }).submission?.step, 'reserved')
  })
})
