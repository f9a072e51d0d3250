import assert from 'node:assert/strict'
import { AppError } from '../../src/domain/errors.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import { backoffMs, maskJobData, readCallbackJob, singleJob } from '../../src/queue/catalogue.ts'

const receipt = {
  id: 'rc-1' as ReceiptId,
  account: 'zeno-main',
  receivedAt: 0,
  keyId: 'key',
  digest: 'digest',
  headers: { 'x-signature': 'planted-signature' },
  body: 's1.k1.planted-body',
}

describe('job catalogue', () => {
  it('reads back what it wrote', () => {
    const { data, opts } = singleJob(receipt)
    assert.deepEqual(readCallbackJob(JSON.parse(JSON.stringify(data))), data)
    assert.equal(opts.jobId, 'rc-1')
  })

  it('refuses a job of another form, for good and with the place', () => {
    for (const data of [
      undefined,
      {},
      { v: 2, receipts: [receipt] },
      { v: 1, receipts: [] },
      { v: 1, receipts: [{ ...receipt, body: 7 }] },
    ]) {
      assert.throws(
        () => readCallbackJob(data),
        (error) => error instanceof AppError && error.code === 'job-not-readable' && error.retry === 'never',
      )
    }
  })

  it('shows neither body nor headers to an operator', () => {
    const shown = JSON.stringify(maskJobData(singleJob(receipt).data))
    assert.match(shown, /rc-1/)
    assert.match(shown, /sealed, 18 characters/)
    assert.ok(!shown.includes('planted'))
    assert.ok(!JSON.stringify(maskJobData({ secret: 'planted' })).includes('planted'))
  })

  it('waits longer each time, to a minute at most, and never all at once', () => {
    assert.equal(
      backoffMs(1, () => 1),
      250,
    )
    assert.equal(
      backoffMs(1, () => 0),
      125,
    )
    assert.equal(
      backoffMs(2, () => 1),
      500,
    )
    assert.equal(
      backoffMs(1_000_000, () => 1),
      60_000,
    )
  })
})
