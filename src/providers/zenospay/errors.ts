/**
 * What to do about a refusal, as data. Zenospay documents that a refusal is `status: false` with a message, and no list of
 * messages: whatever is told from the words is inferred, and chosen so that a wrong guess costs a person's time and no money.
 * The first rule that fits counts; README.md has the table for people.
 *
 *   reserve   an order that moves no money: refused, it took nothing
 *   pay       refused in words that we do not know, it may have been taken all the same: ask
 *   question  nothing is held because a question was refused; it is only asked again
 */
import type { FailureCode } from '../../domain/failure.ts'
import type { Remedy } from '../client.ts'
import type { Refusal } from './answer.ts'
import { describeFailure, normalise } from './failure-codes.ts'

export interface ErrorRule {
  code: string
  /** Where it is known from. */
  basis: 'http' | 'documented' | 'inferred'
  status?: number
  message?: RegExp
  failures?: readonly FailureCode[]
  /** Zenospay's own form, and not a proxy's page. */
  own?: true
  reserve: Remedy
  pay: Remedy
  question: Remedy | 'not-known'
  /** Where the message says no more. */
  failure?: FailureCode
}

export const errorRules: readonly ErrorRule[] = [
  { code: 'rate-limited', basis: 'http', status: 429, reserve: 'same', pay: 'same', question: 'same' },
  {
    code: 'unauthenticated',
    basis: 'http',
    status: 401,
    reserve: 'operator',
    pay: 'operator',
    question: 'operator',
    failure: 'payer-not-allowed',
  },
  {
    code: 'unauthenticated',
    basis: 'inferred',
    message:
      /\b(?:signature|timestamp|unauthori[sz]ed|unauthenticated|partner id|client key|whitelist(?:ed)?)\b/,
    reserve: 'operator',
    pay: 'operator',
    question: 'operator',
    failure: 'payer-not-allowed',
  },
  {
    code: 'rate-limited',
    basis: 'inferred',
    message: /\b(?:too many (?:requests|attempts)|rate limit)\b/,
    reserve: 'same',
    pay: 'ask',
    question: 'same',
  },
  {
    code: 'already-taken',
    basis: 'inferred',
    message:
      /\balready (?:been )?(?:taken|used|exists?|processed|processing|paid|transferred|completed|submitted|registered)\b|\bduplicated?\b|\bin progress\b|\bbeing processed\b|\bhas been (?:taken|used|processed|paid)\b|\bmust be unique\b|\bsudah (?:ada|pernah|digunakan|diproses)\b/,
    reserve: 'ask',
    pay: 'ask',
    question: 'ask',
  },
  {
    code: 'not-known',
    basis: 'inferred',
    message:
      /^(?:not found|tidak ditemukan)\W*$|\b(?:transactions?|inquir(?:y|ies)|disbursement|payout|payment|data|records?|transaksi|(?:transaction|inquiry) id)(?: is| was)? (?:not found|(?:does )?not exist|tidak ditemukan)\b|\bno (?:such )?(?:transaction|inquiry|data|record)\b/,
    reserve: 'operator',
    pay: 'operator',
    question: 'not-known',
  },
  {
    // That a transfer without `force` does not go to an account that is not valid is documented; in which words is not.
    code: 'beneficiary-refused',
    basis: 'inferred',
    failures: [
      'beneficiary-not-found',
      'beneficiary-blocked',
      'beneficiary-mismatch',
      'beneficiary-not-eligible',
    ],
    reserve: 'failed',
    pay: 'operator',
    question: 'ask',
  },
  {
    code: 'payer-refused',
    basis: 'inferred',
    failures: ['insufficient-funds', 'limit-exceeded', 'payer-not-allowed', 'expired'],
    reserve: 'operator',
    pay: 'operator',
    question: 'ask',
  },
  {
    // Behind what is said of an account or of money: whoever says that says to try again as well.
    code: 'unavailable',
    basis: 'inferred',
    message: /\b(?:maintenance|temporarily|try again|unavailable|gangguan)\b/,
    reserve: 'same',
    pay: 'ask',
    question: 'ask',
  },
  {
    code: 'not-known',
    basis: 'http',
    status: 404,
    own: true,
    reserve: 'operator',
    pay: 'ask',
    question: 'not-known',
  },
  { code: 'refused', basis: 'documented', reserve: 'operator', pay: 'ask', question: 'ask' },
]

export function findRule(refusal: Refusal): ErrorRule {
  const message = normalise(refusal.message)
  const { code } = describeFailure(refusal.message)
  const rule = errorRules.find(
    (one) =>
      (one.status === undefined || one.status === refusal.status) &&
      (!one.own || refusal.own) &&
      (!one.message || one.message.test(message)) &&
      (!one.failures || one.failures.includes(code)),
  )
  // The last rule fits everything.
  if (!rule) throw new RangeError('The table of errors has no last rule.')
  return rule
}
