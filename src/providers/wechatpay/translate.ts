/**
 * What a genuine callback says, in our words. Its resource is opened here, behind the queue, so that a missing key costs
 * a replay and not a callback. What is not read for certain is not understood, and kept for a person.
 */
import { z } from 'zod'
import type { Failure } from '../../domain/failure.ts'
import type { Money } from '../../domain/money.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { parseTime } from '../../domain/time.ts'
import type { Translation } from '../provider.ts'
import { describeIssues, readJson } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { decrypt, encryptedSchema } from './decrypt.ts'

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

const laterEvents = new Map([
  ['MCHTRANSFER.BATCH.FINISHED', 'batches'],
  ['MCHTRANSFER.BATCH.CLOSED', 'batches'],
  ['COUPON.USE', 'coupons'],
])

const text = z.string().min(1).max(256)

const envelopeSchema = z.object({ event_type: text, resource: encryptedSchema })

const billSchema = z.object({
  out_bill_no: text,
  transfer_bill_no: text,
  state: text,
  /** The documents write it in both ways. */
  mchid: text.nullish(),
  mch_id: text.nullish(),
  transfer_amount: text,
  openid: text.nullish(),
  fail_reason: z.string().max(256).nullish(),
  update_time: text.nullish(),
})
type Bill = z.output<typeof billSchema>

export function translateCallback(account: WechatpayAccount, body: Buffer): Translation {
  const parsed = readJson(body)
  if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
  const envelope = envelopeSchema.safeParse(parsed.value)
  if (!envelope.success) return notUnderstood(`The body ${describeIssues(envelope.error)}`)
  const { event_type: event, resource } = envelope.data
  const later = laterEvents.get(event)
  if (later) {
    return notUnderstood(
      `The event ${event} is about ${later}, which a later version handles; retrying the job then applies it.`,
    )
  }
  if (event !== 'MCHTRANSFER.BILL.FINISHED') {
    return notUnderstood(`The event ${JSON.stringify(event.slice(0, 64))} is not one that is handled.`)
  }
  const opened = decrypt(resource, account.apiV3Keys)
  if (opened.outcome === 'not-opened') return notUnderstood(opened.reason)
  return translateResource(account, opened.plaintext)
}

function translateResource(account: WechatpayAccount, plaintext: Buffer): Translation {
  const parsed = readJson(plaintext)
  if ('problem' in parsed) return notUnderstood(`The decrypted resource ${parsed.problem}`)
  const bill = billSchema.safeParse(parsed.value)
  if (!bill.success) return notUnderstood(`The decrypted resource ${describeIssues(bill.error)}`)
  return translateBill(account, bill.data)
}

function translateBill(account: WechatpayAccount, bill: Bill): Translation {
  if ([bill.mchid, bill.mch_id].some((mchid) => mchid != null && mchid !== account.mchid)) {
    return notUnderstood('The bill belongs to another merchant than the account.')
  }
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
      ...(status === 'failed' && { failure: describeFailure(bill) }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

/** Fen are the minor units of CNY, so nothing is multiplied; eighteen digits are more than any real amount has. */
function readFen(fen: string, currency: string): Money | undefined {
  return /^(0|[1-9][0-9]{0,17})$/.test(fen) ? { minor: BigInt(fen), currency } : undefined
}

/** WeChat Pay's reasons are words of an open list. Other text may speak of a person, and stays in the sealed receipt. */
function describeFailure({ state, fail_reason }: Bill): Failure {
  const code = state === 'CANCELLED' ? 'cancelled' : 'declined-by-provider'
  return fail_reason && /^[A-Z][A-Z0-9_]{0,63}$/.test(fail_reason) ? { code, reason: fail_reason } : { code }
}

function notUnderstood(reason: string): Translation {
  return { outcome: 'not-understood', reason }
}
