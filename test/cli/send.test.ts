import assert from 'node:assert/strict'
import { chooseEvent, help, options, readCount } from '../../src/cli/send/flags.ts'

describe('tallyhook send finds the event that is meant', () => {
  const events = ['MCHTRANSFER.BILL.FINISHED', 'MCHTRANSFER.BATCH.CLOSED', 'COUPON.USE']

  it('by its name, or without what the names of transfers begin with', () => {
    assert.equal(chooseEvent(events, undefined), 'MCHTRANSFER.BILL.FINISHED')
    assert.equal(chooseEvent(events, 'BATCH.CLOSED'), 'MCHTRANSFER.BATCH.CLOSED')
    assert.equal(chooseEvent(events, 'COUPON.USE'), 'COUPON.USE')
    assert.equal(chooseEvent([], undefined), undefined)
  })

  it('and say which there are', () => {
    assert.throws(() => chooseEvent(events, 'CLOSED'), /must be one of: MCHTRANSFER.BILL.FINISHED, /)
    assert.throws(() => chooseEvent([], 'COUPON.USE'), /name no events/)
  })

  it('and count', () => {
    assert.equal(readCount('3000'), 3000)
    for (const text of ['0', '-1', '1.5', '10000', 'x', ''])
      assert.throws(() => readCount(text), /--count/, text)
  })
})

describe('tallyhook send --help', () => {
  it('names every option, and none that there is not', () => {
    const named = [...help.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name)
    assert.deepEqual([...named, 'help'].sort(), Object.keys(options).sort())
  })
})
