import assert from 'node:assert/strict'
import { AppError } from '../../src/domain/errors.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import { backoffMs, sealedGroupJob, singleJob } from '../../src/queue/catalogue.ts'
import { maskJobData, readCallbackJob, takeReceipts } from '../../src/queue/job-data.ts'
import { keyring, openReceiptOf } from '../support/store.ts'

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

  it('seals what was committed together as one, and for this very job', () => {
    const receipts = ['{"a":1}', '', 'x'.repeat(300)].map((body) => openReceiptOf(body))
    const { data } = sealedGroupJob('group-1', receipts, keyring.seal)
    const read = readCallbackJob(JSON.parse(JSON.stringify(data)))
    assert.deepEqual(takeReceipts('group-1', read, keyring.open), receipts)
    assert.throws(() => takeReceipts('group-2', read, keyring.open), /does not authenticate/)
    assert.ok(read.v === 2)
    const fewer = { ...read, receipts: read.receipts.slice(1) }
    assert.throws(() => takeReceipts('group-1', fewer, keyring.open), /another number of bodies/)
    assert.match(JSON.stringify(maskJobData(data)), /"bodies":"sealed, \d+ characters"/)
  })

  it('refuses a job of another form, for good and with the place', () => {
    for (const data of [
      undefined,
      {},
      { v: 2, receipts: [receipt] },
      { v: 3, receipts: [receipt], bodies: 'x' },
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
