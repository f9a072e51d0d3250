import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { AppError } from '../../src/domain/errors.ts'
import { createIdMaker } from '../../src/domain/ids.ts'
import type { OpenReceipt } from '../../src/domain/receipt.ts'
import type { JobDraft } from '../../src/queue/catalogue.ts'
import { groupSizeMax, takeReceipts } from '../../src/queue/job-data.ts'
import { createCallbackProducer, groupReceipts, type ProducerDeps } from '../../src/queue/producer.ts'
import { startPatience } from '../../src/telemetry/patience.ts'
import { keyring } from '../support/store.ts'

const ids = createIdMaker(Date.now, randomBytes)

function receipt(body = 'body'): OpenReceipt {
  const opened = Buffer.from(body)
  return { id: ids.receiptId(), account: 'a', receivedAt: 0, keyId: 'k', digest: 'd', headers: {}, opened }
}

/** Redis that answers when the test says so. */
function createSlowQueue() {
  const writes: { jobs: JobDraft[]; answer(error?: Error): void }[] = []
  const addJobs = (jobs: JobDraft[]) =>
    new Promise<void>((resolve, reject) => {
      writes.push({ jobs, answer: (error) => (error ? reject(error) : resolve()) })
    })
  return { writes, addJobs }
}

function createProducer(deps: Partial<ProducerDeps> = {}) {
  const queue = createSlowQueue()
  const producer = createCallbackProducer({
    addJobs: queue.addJobs,
    seal: keyring.seal,
    ids,
    inFlightMax: 1000,
    inFlightBytesMax: 1e9,
    writeMsMax: 5_000,
    ...deps,
  })
  return { ...queue, producer }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('It was accepted.'),
    (reason) => reason,
  )
  assert.ok(error instanceof AppError)
  return error.code
}

describe('callback producer', () => {
  it('commits what arrives together as one job', async () => {
    const { producer, writes } = createProducer()
    const receipts = [receipt(), receipt(), receipt()]
    const settled = Promise.all(receipts.map((one) => producer.enqueue(one)))
    await nextTurn()
    assert.equal(writes.length, 1)
    const [job, ...others] = writes[0]?.jobs ?? []
    assert.ok(job)
    assert.deepEqual(others, [])
    assert.deepEqual(takeReceipts(job.opts.jobId, job.data, keyring.open), receipts)
    writes[0]?.answer()
    await settled
    assert.equal(producer.inFlight(), 0)
  })

  it('gathers the next group while a write is under way', async () => {
    const { producer, writes } = createProducer()
    const first = producer.enqueue(receipt())
    await nextTurn()
    const others = Array.from({ length: 130 }, () => producer.enqueue(receipt()))
    await nextTurn()
    assert.equal(writes.length, 1, 'nothing else is written before the first has answered')
    writes[0]?.answer()
    await first
    await nextTurn()
    assert.deepEqual(
      writes[1]?.jobs.map((job) => job.data.receipts.length),
      [64, 64, 2],
    )
    writes[1]?.answer()
    await Promise.all(others)
  })

  it('acknowledges nobody before the write has answered', async () => {
    const { producer, writes } = createProducer()
    let acknowledged = false
    const settled = producer.enqueue(receipt()).then(() => {
      acknowledged = true
    })
    await nextTurn()
    await nextTurn()
    assert.equal(acknowledged, false)
    writes[0]?.answer()
    await settled
  })

  it('tells every member of a group to come again when its write fails', async () => {
    const { producer, writes } = createProducer()
    const settled = [producer.enqueue(receipt()), producer.enqueue(receipt())].map(codeOf)
    await nextTurn()
    writes[0]?.answer(new Error('Connection is closed.'))
    assert.deepEqual(await Promise.all(settled), ['not-durable-yet', 'not-durable-yet'])
    const later = producer.enqueue(receipt())
    await nextTurn()
    writes[1]?.answer()
    await later
  })

  it('gives up a write that never answers, and goes on with the next', async () => {
    const { producer, writes } = createProducer({ writeMsMax: 20 })
    assert.equal(await codeOf(producer.enqueue(receipt())), 'not-durable-yet')
    const next = producer.enqueue(receipt())
    await nextTurn()
    writes[1]?.answer()
    await next
  })

  it('does not write what nobody waits for any more', async () => {
    const { producer, writes } = createProducer()
    const first = producer.enqueue(receipt())
    await nextTurn()
    const patience = startPatience(1)
    const given = codeOf(producer.enqueue(receipt(), patience))
    assert.equal(await given, 'not-durable-yet')
    writes[0]?.answer()
    await first
    await producer.drain()
    assert.equal(writes.length, 1)
    assert.equal(producer.inFlight(), 0)
  })

  it('bounds what is in flight, by count and by bytes', async () => {
    const byCount = createProducer({ inFlightMax: 2 })
    const held = [byCount.producer.enqueue(receipt()), byCount.producer.enqueue(receipt())]
    assert.equal(await codeOf(byCount.producer.enqueue(receipt())), 'too-many-in-flight')
    await nextTurn()
    byCount.writes[0]?.answer()
    await Promise.all(held)

    const byBytes = createProducer({ inFlightBytesMax: 10 })
    const one = byBytes.producer.enqueue(receipt('12345678'))
    assert.equal(await codeOf(byBytes.producer.enqueue(receipt('12345678'))), 'too-many-in-flight')
    await nextTurn()
    byBytes.writes[0]?.answer()
    await one
  })

  it('drains: it is done when the last write has answered', async () => {
    const { producer, writes } = createProducer()
    const settled = producer.enqueue(receipt())
    let drained = false
    const draining = producer.drain().then(() => {
      drained = true
    })
    await nextTurn()
    await nextTurn()
    assert.equal(drained, false)
    writes[0]?.answer()
    await Promise.all([settled, draining])
  })

  it('keeps a group under about a mebibyte, whatever the bodies', () => {
    const large = 'x'.repeat(350_000)
    const sizeOf = (text: string) => text.length
    const sizes = groupReceipts([large, large, large, 'x', 'x'], sizeOf).map((group) => group.length)
    assert.deepEqual(sizes, [2, 3])
    assert.equal(groupReceipts(['x'.repeat(2_000_000)], sizeOf).length, 1)
    assert.equal(
      groupReceipts(
        Array.from({ length: 65 }, () => 'x'),
        sizeOf,
      )[0]?.length,
      groupSizeMax,
    )
  })
})
