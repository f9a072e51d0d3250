import assert from 'node:assert/strict'
import { cloudEventSchema } from '../../src/events/catalogue.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createTestCaseParts } from '../support/case-parts.ts'
import { createTestFeed, readPage } from '../support/feed.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  findTransfer,
  ids,
  receiptOf,
  registerIn,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('cases in the event feed', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  async function open() {
    const store = createTestStore(await clients.open())
    const feed = createTestFeed(store)
    const read = async () => {
      const { events } = await readPage(feed)
      return events.map((event) => cloudEventSchema.parse(event))
    }
    return { store, read, parts: createTestCaseParts(store) }
  }

  it('a hold and its case are opened together and end together, each numbered by itself', async () => {
    const { store, read, parts } = await open()
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    const receipt = receiptOf(describeDisbursement(disbursement({ reference, amount: '1.00' })))
    await createTestReconcile(store).applyOne(receipt)
    const caseId = (await findTransfer(store, id)).hold?.case ?? assert.fail('It is not held.')
    await parts.resolve({ id: caseId, by: 'ops', reason: 'Checked.', action: 'take-theirs' })

    const events = await read()
    assert.deepEqual(
      events.map(({ type, subject, sequence }) => [type.split('.').slice(1, 3).join('.'), subject, sequence]),
      [
        ['transfer.registered', id, 1],
        ['transfer.held', id, 2],
        ['case.opened', caseId, 1],
        ['transfer.released', id, 3],
        ['transfer.succeeded', id, 4],
        ['case.resolved', caseId, 2],
      ],
    )
    const [, held, opened, , , resolved] = events
    assert.deepEqual(held?.data.because, {
      source: 'callback',
      receipt: receipt.id,
      reason: 'amount-differs',
    })
    assert.ok(opened && 'kind' in opened.data.object)
    assert.deepEqual(
      [opened.source, opened.data.object.intent, opened.data.object.receipts, opened.previousid],
      [`/accounts/${testAccount.id}`, id, [receipt.id], undefined],
    )
    assert.equal(resolved?.previousid, opened.id)
    assert.deepEqual(resolved?.data.because, {
      source: 'operator',
      by: 'ops',
      reason: 'Checked.',
      receipt: receipt.id,
    })
    assert.equal(new Set(events.map((event) => event.id)).size, events.length)
  })

  it('a case that is opened again goes on counting', async () => {
    const { store, read } = await open()
    const failure = { account: testAccount.id, receipt: ids.receiptId(), reason: 'Odd.' }
    const fail = () => store.cases.open({ ...failure, code: 'callback-not-understood' })
    await fail()
    await fail()
    await store.cases.settle(failure.receipt)
    await fail()
    assert.deepEqual(
      (await read()).map(({ type, sequence }) => [type, sequence]),
      [
        ['tallyhook.case.opened.v1', 1],
        ['tallyhook.case.resolved.v1', 2],
        ['tallyhook.case.opened.v1', 3],
      ],
    )
  })
})
