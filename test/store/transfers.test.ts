import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { decide } from '../../src/domain/decide.ts'
import type { TransferEvent } from '../../src/domain/event.ts'
import type { Observation } from '../../src/domain/observation.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import type { CommitRequest } from '../../src/store/transfers.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestStore,
  ids,
  readAllEvents,
  receiptOf,
  registrationOf,
  type TestStore,
} from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

describe('transfer store', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  after(() => clients.closeAll())

  function observation(transfer: Transfer, receipt: Receipt): Observation {
    const { account, reference, amount } = transfer
    return {
      source: 'callback',
      receiptId: receipt.id,
      account,
      reference,
      amount,
      status: 'succeeded',
      providerReference: 'inquiry-1',
    }
  }

  function successOf(before: Transfer, receipt = receiptOf('{}')): CommitRequest {
    const decision = decide(before, observation(before, receipt), Date.now())
    assert.ok(decision.verdict === 'applied')
    const { fact, transfer } = decision
    const event: TransferEvent = {
      fact,
      transfer,
      because: { source: 'callback', receipt: receipt.id },
      at: Date.now(),
    }
    return { before, receipt, event, result: 'applied', at: Date.now() }
  }

  async function registered(): Promise<Transfer> {
    const { transfer } = await store.transfers.register(registrationOf(newReference()))
    return transfer
  }

  describe('registration', () => {
    it('stores the transfer and its first event together', async () => {
      const event = registrationOf(newReference(), {
        metadata: { order: '7' },
        providerReference: 'inquiry-9',
      })
      assert.deepEqual(await store.transfers.register(event), {
        outcome: 'registered',
        transfer: event.transfer,
        madeReady: 0,
      })
      assert.deepEqual(await store.transfers.find(event.transfer.id), event.transfer)
      assert.deepEqual(await readAllEvents(store), [event])
    })

    it('happens once, also for two at the same moment', async () => {
      const event = registrationOf(newReference())
      const both = await Promise.all([store.transfers.register(event), store.transfers.register(event)])
      assert.deepEqual(both.map(({ outcome }) => outcome).sort(), ['exists', 'registered'])
      assert.equal((await readAllEvents(store)).length, 1)
    })

    it('leaves no personal data readable in Redis', async () => {
      const event = registrationOf(newReference(), {
        beneficiary: { kind: 'bank', bankCode: '002', accountNumber: '5550001234', name: 'Planted Name' },
      })
      await store.transfers.register(event)
      const stored = JSON.stringify([
        await redis.get(store.keys.transfer(event.transfer.id)),
        await redis.xrange(store.keys.events(store.keys.partitionOf(event.transfer.id)), '-', '+'),
      ])
      assert.ok(!stored.includes('5550001234') && !stored.includes('Planted'))
    })

    it('keeps a pending transfer under 600 bytes', async () => {
      const event = registrationOf('0123456789abcdef0123456789abcdef')
      await store.transfers.register(event)
      const bytes = await redis.memory('USAGE', store.keys.transfer(event.transfer.id))
      assert.ok(Number(bytes) < 600, `It takes ${bytes}.`)
    })
  })

  describe('commit', () => {
    it('writes state, receipt and event together', async () => {
      const before = await registered()
      const request = successOf(before)
      assert.deepEqual(await store.transfers.commit(request), { outcome: 'committed' })
      assert.deepEqual(await store.transfers.find(before.id), request.event?.transfer)
      const record = await store.transfers.findReceipt(before.id, request.receipt.id)
      assert.equal(record?.outcome, 'applied')
      assert.equal(record?.transfer, before.id)
      assert.equal(record?.body, request.receipt.body)
      assert.deepEqual(
        (await readAllEvents(store)).map(({ fact }) => fact.sequence),
        [1, 2],
      )
    })

    it('answers a recorded receipt with its outcome and changes nothing', async () => {
      const before = await registered()
      const request = successOf(before)
      await store.transfers.commit(request)
      assert.deepEqual(await store.transfers.commit(request), {
        outcome: 'recorded-before',
        result: 'applied',
      })
      assert.equal((await readAllEvents(store)).length, 2)
    })

    it('refuses a decision on a transfer that has moved on', async () => {
      const before = await registered()
      await store.transfers.commit(successOf(before))
      const late = successOf(before, receiptOf('{}'))
      assert.deepEqual(await store.transfers.commit(late), { outcome: 'moved-on' })
      assert.equal(
        await store.transfers.findReceipt(before.id, late.receipt.id),
        undefined,
        'nothing of it is kept',
      )
      assert.equal((await readAllEvents(store)).length, 2)
    })

    it('lets one of two racing decisions through', async () => {
      const before = await registered()
      const outcomes = await Promise.all(
        [successOf(before), successOf(before)].map((request) => store.transfers.commit(request)),
      )
      assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ['committed', 'moved-on'])
    })

    it('records a receipt that changes nothing, and publishes nothing', async () => {
      const before = await registered()
      const receipt = receiptOf('{}')
      const request: CommitRequest = { before, receipt, event: undefined, result: 'repeat', at: Date.now() }
      assert.deepEqual(await store.transfers.commit(request), { outcome: 'committed' })
      assert.deepEqual(await store.transfers.find(before.id), before)
      assert.deepEqual(await store.transfers.commit(request), {
        outcome: 'recorded-before',
        result: 'repeat',
      })
      assert.equal((await readAllEvents(store)).length, 1)
    })

    it('refuses a transfer that is not there', async () => {
      const { transfer } = registrationOf(newReference())
      assert.deepEqual(await store.transfers.commit(successOf(transfer)), { outcome: 'moved-on' })
    })
  })

  describe('parking', () => {
    it('keeps a receipt until its transfer is registered, then makes it ready in the same step', async () => {
      const event = registrationOf(newReference())
      const receipts = [receiptOf('1'), receiptOf('2')]
      for (const receipt of receipts)
        assert.equal(await store.transfers.park(event.transfer.id, receipt), 'parked')
      const registration = await store.transfers.register(event)
      assert.ok(registration.outcome === 'registered')
      assert.equal(registration.madeReady, 2)
      assert.equal(await redis.exists(store.keys.parked(event.transfer.id)), 0)

      const pumped: Receipt[][] = []
      assert.equal(await store.ready.pump(async (some) => void pumped.push(some)), 2)
      assert.deepEqual(pumped.flat(), receipts)
      assert.equal(await store.ready.pump(async () => assert.fail('Nothing is left.')), 0)
    })

    it('parks a receipt once, however often its job is delivered', async () => {
      const event = registrationOf(newReference())
      const receipt = receiptOf('1')
      await store.transfers.park(event.transfer.id, receipt)
      await store.transfers.park(event.transfer.id, receipt)
      const registration = await store.transfers.register(event)
      assert.ok(registration.outcome === 'registered')
      assert.equal(registration.madeReady, 1)
    })

    it('does not park what is registered', async () => {
      const { id } = await registered()
      assert.equal(await store.transfers.park(id, receiptOf('1')), 'registered')
    })

    it('keeps what is ready when putting it on the queue fails', async () => {
      const event = registrationOf(newReference())
      await store.transfers.park(event.transfer.id, receiptOf('1'))
      await store.transfers.register(event)
      await assert.rejects(
        store.ready.pump(() => Promise.reject(new Error('away'))),
        /away/,
      )
      assert.equal(await store.ready.pump(async () => {}), 1)
    })

    it('pumps every partition, in the order of arrival within it', async () => {
      const events = Array.from({ length: 40 }, () => registrationOf(newReference()))
      for (const { transfer } of events) await store.transfers.park(transfer.id, receiptOf('1'))
      for (const event of events) await store.transfers.register(event)
      const pumped: Receipt[][] = []
      assert.equal(await store.ready.pump(async (some) => void pumped.push(some)), 40)
      assert.equal(pumped.length, store.keys.partitions)
      for (const some of pumped)
        assert.deepEqual(
          some.map(({ id }) => id),
          some.map(({ id }) => id).sort(),
        )
    })
  })

  it('has minted ids that no two receipts share', () => {
    const minted = new Set(Array.from({ length: 1000 }, () => ids.receiptId()))
    assert.equal(minted.size, 1000)
  })
})
