/** What Zenospay answers to an inquiry and to a transfer. Neither says that any money moved. */
import { z } from 'zod'
import type { Failure } from '../../domain/failure.ts'
import { parseProviderAmount } from '../../domain/money.ts'
import type { Asked } from '../../domain/receipt.ts'
import { identifier, optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { ZenospayAccount } from './account.ts'
import { type Refusal, readAnswer } from './answer.ts'
import { findRule } from './errors.ts'
import { readExcerpt } from './excerpt.ts'
import { describeFailure } from './failure-codes.ts'

/** Documented: an inquiry expires after half an hour. */
export const reservationMs = 30 * 60_000

const reservationSchema = z.object({
  merchant_transaction_id: text,
  account_number: text,
  account_name: optionalText,
  bank_code: optionalText,
  amount: text,
  fee: optionalText,
  inquiry_id: identifier,
})

type Account = Pick<ZenospayAccount, 'id' | 'currency'>

export function translateOrder(account: Account, body: Buffer, asked: Asked): Translation {
  const excerpt = readExcerpt(body)
  if (!excerpt) return notUnderstood('It is no excerpt of an answer to an order.')
  const { askedAt } = excerpt
  if ('problems' in excerpt) {
    const [reason = 'not-sendable'] = excerpt.problems
    return refused(account, asked, askedAt, { remedy: 'operator', failure: { code: 'unknown', reason } })
  }
  const answer = readAnswer(asked.status, Buffer.from(excerpt.answer))
  if (answer.outcome === 'unreadable') return notUnderstood(answer.because)
  if (answer.outcome === 'refused') return refused(account, asked, askedAt, describeRefusal(answer, asked))
  if (asked.call === 'reserve') return translateReservation(account, answer.data, asked, askedAt)
  return understood(account, asked, askedAt, { status: 'acknowledged' })
}

function translateReservation(account: Account, data: unknown, asked: Asked, askedAt: number): Translation {
  const read = reservationSchema.safeParse(data)
  if (!read.success) return notUnderstood(`data ${describeIssues(read.error)}`)
  const { merchant_transaction_id: reference, account_number: number, account_name: name } = read.data
  if (reference !== asked.reference)
    return notUnderstood('merchant_transaction_id is another than was asked for.')
  const amount = parseProviderAmount(read.data.amount, account.currency)
  if (!amount.ok) return notUnderstood(`The amount cannot be read exactly (${amount.problem}).`)
  const fee = read.data.fee ? parseProviderAmount(read.data.fee, account.currency) : undefined
  if (fee && !fee.ok) return notUnderstood(`The fee cannot be read exactly (${fee.problem}).`)
  return understood(account, asked, askedAt, {
    status: 'reserved',
    providerReference: read.data.inquiry_id,
    amount: amount.money,
    payee: { kind: 'bank', number, ...(name && { name }) },
    ...(fee && { fee: fee.money }),
    validUntil: askedAt + reservationMs,
  })
}

/** Which bank is asked about is not compared where intents are, so it is compared here: undefined where none is named. */
export function readBankCode(body: Buffer, status: number): string | undefined {
  const answer = readAnswer(status, body)
  const read = answer.outcome === 'said' ? reservationSchema.safeParse(answer.data) : undefined
  return read?.data?.bank_code || undefined
}

interface Refused {
  remedy: 'failed' | 'operator'
  failure: Failure
}

/** Only what is for good, or for a person, becomes an observation; what was one stays one though the table changes. */
function describeRefusal(refusal: Refusal, asked: Asked): Refused {
  const rule = findRule(refusal)
  const said = describeFailure(refusal.message)
  const isVague = said.code === 'unknown' || said.code === 'declined-by-provider'
  return {
    remedy: asked.call === 'reserve' && rule.reserve === 'failed' ? 'failed' : 'operator',
    failure: rule.failure && isVague ? { ...said, code: rule.failure } : said,
  }
}

function refused(account: Account, asked: Asked, askedAt: number, why: Refused): Translation {
  return understood(account, asked, askedAt, { status: 'refused', ...why })
}

type Understood = Extract<Translation, { outcome: 'understood' }>
type Submission = Extract<Understood['observation'], { kind: 'submission' }>

/** The same refusal of a later order is news, so when it was given belongs to what is seen. */
function understood(
  account: Account,
  { reference }: Asked,
  askedAt: number,
  seen: Omit<Submission, 'kind' | 'source' | 'account' | 'of' | 'reference' | 'occurredAt'>,
): Translation {
  const base = { kind: 'submission', source: 'submission', of: 'transfer' } as const
  return {
    outcome: 'understood',
    observation: { ...base, account: account.id, reference, occurredAt: askedAt, ...seen },
  }
}
