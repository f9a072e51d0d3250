/** Intents and receipts to try a store with. What is personal is as good as sealed: nothing here opens it. */
import { createHash } from 'node:crypto'
import type { Batch } from '../../src/domain/batch.ts'
import type { Coupon } from '../../src/domain/coupon.ts'
import { registerBatch } from '../../src/domain/decide-batch.ts'
import { registerCoupon } from '../../src/domain/decide-coupon.ts'
import { registerTransfer } from '../../src/domain/decide-transfer.ts'
import type { Step } from '../../src/domain/decision.ts'
import type { IntentEvent } from '../../src/domain/event.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { OpenReceipt } from '../../src/domain/receipt.ts'
import type { Heard } from '../../src/domain/repeats.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import { batchIdOf, couponIdOf, memberIdOf, transferIdOf } from '../../src/store/ids.ts'
import { ids } from '../support/store.ts'

export const account = 'acme'
export const baht = (minor: bigint) => ({ minor, currency: 'THB' })

const personal = { person: 'somebody', sealed: 'p1.sealed' }
const shared = { account, personal, contentDigest: 'content' }

function event<I extends Intent>({ fact, intent }: Step<I>, at: number): IntentEvent<I> {
  return { fact, intent, because: { source: 'registration' }, at }
}

/** Worth 100.00 to somebody, unless said otherwise; one of a batch lies beside it. */
export function transferEvent(reference: string, fields: Partial<Transfer> = {}, at = 1_000) {
  const id = fields.batch ? memberIdOf(fields.batch, reference) : transferIdOf(account, reference)
  const base = { ...shared, id, reference, amount: baht(10_000n), payee: { kind: 'bank' as const } }
  return event<Transfer>(registerTransfer({ ...base, ...fields }, at), at)
}

export function batchEvent(reference: string, fields: Partial<Batch> = {}, at = 1_000) {
  const id = batchIdOf(account, reference)
  const base = { ...shared, id, reference, name: 'May', remark: 'pay', count: 2, amount: baht(20_000n) }
  return event<Batch>(registerBatch({ ...base, ...fields }, at), at)
}

export function couponEvent(reference: string, fields: Partial<Coupon> = {}, at = 1_000) {
  const id = couponIdOf(account, reference)
  const base = { ...shared, id, reference, stockId: 'stock', appid: 'wx', amount: baht(10_000n) }
  return event<Coupon>(registerCoupon({ ...base, ...fields }, at), at)
}

export function receipt(body: string, fields: Partial<OpenReceipt> = {}): OpenReceipt {
  return {
    id: ids.receiptId(),
    account,
    receivedAt: 1_000,
    keyId: 'key',
    digest: createHash('sha256').update(body).digest('hex'),
    headers: {},
    opened: Buffer.from(body),
    ...fields,
  }
}

export function heardOf({ id, receivedAt, digest }: OpenReceipt): Heard {
  return { receipt: id, at: receivedAt, body: digest.slice(0, 16), fact: `f${id}`, identity: `i${id}` }
}

/** One more fact about it, whatever the rules say: a store keeps what it is told. */
export function change<I extends Intent>(before: I, fields: Partial<I>, name = 'succeeded', at = 2_000) {
  const intent: I = { ...before, ...fields, sequence: before.sequence + 1, updatedAt: at }
  const state = (one: I) => ({ state: one.state, held: one.hold !== undefined })
  const fact = {
    name: name as 'succeeded',
    sequence: intent.sequence,
    change: { from: state(before), to: state(intent) },
  }
  return { fact, intent }
}

export const because = (id: ReceiptId) => ({ source: 'callback' as const, receipt: id })
