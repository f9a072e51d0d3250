/** The receipts of a case, opened again: to be shown, taken, or decided anew. */
import { asAppError } from '../domain/errors.ts'
import type { IntentId, ReceiptId } from '../domain/ids.ts'
import type { OpenReceipt, Receipt, ReceiptHead } from '../domain/receipt.ts'
import type { Sealer } from '../queue/job-data.ts'
import type { ReceiptRecord } from '../store/codec/receipt.ts'
import type { IntentStore } from '../store/intents.ts'
import type { OpenBody } from '../store/receipts.ts'
import { type Observe, type Observed, sealReceipt } from './observe.ts'

export interface CaseReceiptsDeps {
  intents: Pick<IntentStore, 'findReceipt'>
  openBody: OpenBody
  observe: Observe
  sealer: Sealer
}

export type ReadRecord =
  | { outcome: 'read'; open: OpenReceipt; observed: Observed }
  | { outcome: 'erased' }
  /** `because`: a sentence, as that its account is not in the configuration. */
  | { outcome: 'not-readable'; because: string }

export interface CaseReceipts {
  /** Those that are still there, in order. */
  find(intent: IntentId, receipts: readonly ReceiptId[]): Promise<ReceiptRecord[]>
  read(record: ReceiptRecord): Promise<ReadRecord>
  /** Sealed for the queue, of those that wait for a person. What was erased cannot be. */
  reopen(records: readonly ReceiptRecord[]): Promise<Receipt[]>
}

export function createCaseReceipts({ intents, openBody, observe, sealer }: CaseReceiptsDeps): CaseReceipts {
  return {
    async find(intent, receipts) {
      const found = await Promise.all(receipts.map((receipt) => intents.findReceipt(intent, receipt)))
      return found.flatMap((record) => (record ? [record] : []))
    },

    async read(record) {
      try {
        const opened = await openBody(record)
        if (!opened) return { outcome: 'erased' }
        const open = { ...headOf(record), opened }
        return { outcome: 'read', open, observed: observe(open) }
      } catch (error) {
        const { code, detail } = asAppError(error)
        if (!notReadable.has(code)) throw error
        return { outcome: 'not-readable', because: detail }
      }
    },

    async reopen(records) {
      const waiting = records.filter(({ outcome }) => outcome === 'awaits-person')
      const opened = await Promise.all(waiting.map(openBody))
      return waiting.flatMap((record, i) => {
        const body = opened[i]
        return body ? [sealReceipt({ ...headOf(record), opened: body }, sealer)] : []
      })
    },
  }
}

const notReadable: ReadonlySet<string> = new Set([
  'cannot-unseal',
  'account-not-configured',
  'callback-not-understood',
])

/** Without what became of it. */
export function headOf(record: ReceiptRecord): ReceiptHead {
  const { id, account, receivedAt, keyId, digest, headers, unverified, asked } = record
  const base = { id, account, receivedAt, keyId, digest, headers }
  return { ...base, ...(unverified && { unverified }), ...(asked && { asked }) }
}
