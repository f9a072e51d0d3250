import assert from 'node:assert/strict'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { readCallbackJob } from '../../src/queue/job-data.ts'

describe('what a job carries', () => {
  const callback: Receipt = {
    id: 'rc-01m7zv0tpe00002vdtz1rr0mec' as ReceiptId,
    account: 'zeno-main',
    receivedAt: 1,
    keyId: 'k1',
    digest: 'ab',
    headers: { 'x-timestamp': '1' },
    body: 'sealed',
  }
  const asked = {
    source: 'query',
    call: 'transfer',
    status: 200,
    reference: 'wage1',
    batch: 'wages',
  } as const
  const stored = (job: unknown) => readCallbackJob(JSON.parse(JSON.stringify(job)))

  it('is read as it was written, of an answer also what it answers', () => {
    const receipts = [callback, { ...callback, unverified: true as const }, { ...callback, asked }]
    assert.deepEqual(stored({ v: 1, receipts }), { v: 1, receipts })
    const heads = receipts.map(({ body: _, ...head }) => head)
    assert.deepEqual(stored({ v: 2, receipts: heads, bodies: 'b' }), { v: 2, receipts: heads, bodies: 'b' })
  })
})
