/**
 * Seeded histories on the real store: registrations, early callbacks, repeats, contradictions, jobs delivered twice and
 * workers that die before or after a commit. After each history the checkers look at what there is. A failing seed is
 * named in the message; put it first in `seeds` to see it again.
 */
import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { decide } from '../../src/domain/decide.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import type { Transfer, TransferState } from '../../src/domain/transfer.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../src/store/keys.ts'
import type { TransferStore } from '../../src/store/transfers.ts'
import { sealReceipt } from '../../src/workers/reconcile.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  keyring,
  readAllEvents,
  receiptOf,
  registrationOf,
  type TestStore,
} from '../support/store.ts'
import { disbursement, testAccount } from '../support/zenospay.ts'

const seeds = Array.from({ length: 40 }, (_, index) => index + 1)

const provider = createZenospay(testAccount)
const finals: readonly TransferState[] = ['succeeded', 'failed', 'returned']

/** Small, quick, and the same everywhere (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A worker dies now and then: before the commit is sent, or after it was made and before anybody heard of it. */
function withCrashes(transfers: TransferStore, random: () => number): TransferStore {
  return {
    ...transfers,
    async commit(request) {
      if (random() < 0.1) throw new Error('died before the commit')
      const outcome = await transfers.commit(request)
      if (random() < 0.1) throw new Error('died after the commit')
      return outcome
    },
  }
}

describe('simulated histories', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  for (const seed of seeds) {
    it(`seed ${seed}: every callback is settled once, and the books agree`, async () => {
      const random = createRandom(seed)
      const store = createTestStore(redis)
      const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
      const references = ['r-1', 'r-2', 'r-3', 'r-4'].map((name) => `${name}-${seed}`)
      const reconcile = createTestReconcile(store, { transfers: withCrashes(store.transfers, random) })

      const acknowledged: Receipt[] = []
      let pending: Receipt[] = []
      const registered = new Set<string>()

      function callBack(): void {
        const amount = random() < 0.1 ? '1.00' : '25000.00'
        const status = pick(['success', 'success', 'success', 'pending', 'fail'])
        const receipt = receiptOf(
          describeDisbursement(disbursement({ reference: pick(references), amount, status })),
        )
        acknowledged.push(receipt)
        pending.push(receipt)
      }
      async function register(reference: string): Promise<void> {
        registered.add(reference)
        await store.transfers.register(registrationOf(reference))
        await store.ready.pump(async (receipts) => void pending.push(...receipts))
      }
      async function work(): Promise<void> {
        const taken = pending.filter(() => random() < 0.7)
        pending = pending.filter((receipt) => !taken.includes(receipt))
        const failed = await reconcile.applyAll(taken.sort(() => random() - 0.5))
        pending.push(...failed.map(({ receipt }) => sealReceipt(receipt, keyring)))
        // A job that was done is delivered again.
        if (random() < 0.3 && taken.length > 0) pending.push(pick(taken))
      }

      for (let step = 0; step < 40; step++) {
        const dice = random()
        if (dice < 0.45) callBack()
        else if (dice < 0.55) await register(pick(references))
        else await work()
      }
      for (const reference of references) await register(reference)
      for (let round = 0; pending.length > 0; round++) {
        assert.ok(round < 500, `${pending.length} receipts are never settled`)
        await work()
      }
      await check(store, acknowledged, references)
    })
  }

  async function check(store: TestStore, acknowledged: Receipt[], references: string[]): Promise<void> {
    const events = await readAllEvents(store)
    for (const reference of references) {
      const id = transferIdOf(testAccount.id, reference)
      const transfer = await store.transfers.find(id)
      assert.ok(transfer)
      const own = events.filter((event) => event.transfer.id === id)
      assert.deepEqual(
        own.map(({ fact }) => fact.sequence),
        own.map((_, index) => index + 1),
        'the sequence has no gap',
      )
      assert.equal(transfer.sequence, own.length)
      assert.deepEqual(own.at(-1)?.transfer, transfer, 'the last event shows the transfer as it is')
      assert.equal(transfer.amount.minor, 2500000n)
      const settled = own.filter(({ fact }) => finals.includes(fact.name as TransferState))
      assert.ok(settled.length <= 1, 'it is settled once')
      await checkReceipts(store, transfer, acknowledged)
    }
  }

  /** Every acknowledged callback is recorded exactly once, with the outcome that the model gives it. */
  async function checkReceipts(store: TestStore, transfer: Transfer, acknowledged: Receipt[]): Promise<void> {
    const ours = acknowledged.filter((receipt) => referenceOf(receipt) === transfer.reference)
    const records = await Promise.all(ours.map(({ id }) => store.transfers.findReceipt(transfer.id, id)))
    const outcomes = records.map((record) => record?.outcome)
    assert.ok(!outcomes.includes(undefined), 'an acknowledged callback has no outcome')
    const changes = records.filter((record) => record?.outcome === 'applied' || record?.outcome === 'held')
    assert.equal(
      changes.length,
      transfer.sequence - 1,
      'each change has one receipt, and each such receipt one change',
    )
    replay(
      transfer,
      changes.map((record) => record as NonNullable<typeof record>),
      acknowledged,
    )
  }

  /** The model: decide() alone, over the receipts that changed something, in the order of the versions they were decided on. */
  function replay(
    transfer: Transfer,
    changes: { id: string; decidedOn: number }[],
    acknowledged: Receipt[],
  ): void {
    let model = registrationOf(transfer.reference).transfer
    for (const { id } of changes.sort((a, b) => a.decidedOn - b.decidedOn)) {
      const receipt = acknowledged.find((one) => one.id === id) as Receipt
      const translation = provider.translate(keyring.open(receipt.body, `receipt:${receipt.id}`))
      assert.ok(translation.outcome === 'understood')
      const decision = decide(model, { ...translation.observation, receiptId: receipt.id }, 0)
      assert.ok('transfer' in decision)
      model = decision.transfer
    }
    assert.deepEqual(
      [model.state, model.hold?.reason, model.sequence],
      [transfer.state, transfer.hold?.reason, transfer.sequence],
    )
  }

  function referenceOf(receipt: Receipt): string | undefined {
    const translation = provider.translate(keyring.open(receipt.body, `receipt:${receipt.id}`))
    return translation.outcome === 'understood' ? translation.observation.reference : undefined
  }
})
