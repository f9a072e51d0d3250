/** `MCHTRANSFER.BILL.FINISHED`: one transfer. */
import { z } from 'zod'
import type { Failure } from '../../domain/failure.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { parseTime } from '../../domain/time.ts'
import { optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { describeFailure } from './failure-codes.ts'
import { isOfAnother, merchantFields, readFen } from './fields.ts'

/** A bill that is still on its way may yet be cancelled or fail. */
const statuses = new Map<string, ObservedStatus>([
  ['SUCCESS', 'succeeded'],
  ['FAIL', 'failed'],
  ['CANCELLED', 'failed'],
  ['ACCEPTED', 'processing'],
  ['PROCESSING', 'processing'],
  ['WAIT_USER_CONFIRM', 'processing'],
  ['TRANSFERING', 'processing'],
  ['CANCELING', 'processing'],
])

const billSchema = z.object({
  ...merchantFields,
  out_bill_no: text,
  transfer_bill_no: text,
  state: text,
  transfer_amount: text,
  openid: text.nullish(),
  fail_reason: optionalText,
  update_time: text.nullish(),
})
type Bill = z.output<typeof billSchema>

export function translateBill(account: WechatpayAccount, resource: unknown): Translation {
  const read = billSchema.safeParse(resource)
  if (!read.success) return notUnderstood(`The decrypted resource ${describeIssues(read.error)}`)
  const { data: bill } = read
  if (isOfAnother(account, bill))
    return notUnderstood('The bill belongs to another merchant than the account.')
  const status = statuses.get(bill.state)
  if (!status) return notUnderstood(`The state ${JSON.stringify(bill.state.slice(0, 32))} is not known.`)
  const amount = readFen(bill.transfer_amount, account.currency)
  if (!amount) return notUnderstood('transfer_amount is not a whole number of fen.')
  const occurredAt = bill.update_time ? parseTime(bill.update_time) : undefined
  if (bill.update_time && occurredAt === undefined) return notUnderstood('update_time is not a time.')
  return {
    outcome: 'understood',
    observation: {
      kind: 'transfer',
      source: 'callback',
      account: account.id,
      reference: bill.out_bill_no,
      status,
      providerReference: bill.transfer_bill_no,
      amount,
      ...(bill.openid && { payee: { kind: 'wechatpay', number: bill.openid } }),
      ...(status === 'failed' && { failure: describeBillFailure(bill) }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

/** That it was cancelled is known from its state, whatever the reason says. */
function describeBillFailure({ state, fail_reason }: Bill): Failure {
  const failure = describeFailure(fail_reason)
  return state === 'CANCELLED' ? { ...failure, code: 'cancelled' } : failure
}
