/**
 * What a provider refuses before it looks at anything else: the form of names and numbers, and what must stand beside what.
 * Checked when something is registered, so that nobody hears of it only when the money should move.
 */
import type { WechatpayBatch } from '../domain/batch.ts'
import type { FieldError } from '../domain/errors.ts'
import type { Money } from '../domain/money.ts'
import type { Beneficiary } from '../domain/transfer.ts'

export interface ProposedTransfer {
  reference: string
  amount: Money
  beneficiary: Beneficiary
  remark?: string | undefined
}

/** What could be read of it. */
export interface ProposedBatch {
  reference?: string | undefined
  name?: string | undefined
  remark?: string | undefined
  wechatpay?: WechatpayBatch | undefined
  /** Undefined for one that has faults of its own already. */
  transfers: readonly (ProposedTransfer | undefined)[]
}

export interface Limits {
  /** Paths are those within the transfer. */
  checkTransfer(transfer: ProposedTransfer): FieldError[]
  /** What concerns the batch as a whole; its transfers are checked each by itself as well. */
  checkBatch(batch: ProposedBatch): FieldError[]
}

export function refuseWechatpay({ wechatpay }: ProposedBatch): FieldError[] {
  if (!wechatpay) return []
  return [{ path: 'wechatpay', code: 'not-for-account', message: 'The account is not one at WeChat Pay.' }]
}

/** As a reader counts them, and not as they are encoded. */
export function countCharacters(text: string): number {
  return [...text].length
}
