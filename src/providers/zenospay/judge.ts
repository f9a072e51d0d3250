/**
 * What came of a call: the answer's words, by the table of errors, as a result for who made it. Pure; whatever becomes a
 * part of an answer is read here as it will be read later, so that nothing is kept that nobody understands.
 */
import type { Asked } from '../../domain/receipt.ts'
import type { AnswerPart, CallResult, Exchange, Order, Question } from '../client.ts'
import type { ZenospayAccount } from './account.ts'
import { type Refusal, readAnswer } from './answer.ts'
import { findRule } from './errors.ts'
import { excerptOf, writeExcerpt } from './excerpt.ts'
import { translateAnswer } from './translate-answer.ts'
import { isUnpaid } from './translate-payment-status.ts'
import { readBankCode } from './translate-submission.ts'

export type ZenospayOrder = Extract<Order, { call: 'reserve' | 'pay' }>
export type ZenospayQuestion = Extract<Question, { call: 'transfer' | 'collection' }>

type Answered = Extract<Exchange, { outcome: 'answered' }>

export function judgeOrder(
  account: ZenospayAccount,
  order: ZenospayOrder,
  askedAt: number,
  { status, body }: Answered,
): CallResult {
  const part = describePart('submission', order, status, writeExcerpt(excerptOf(askedAt, body)))
  const answer = readAnswer(status, body)
  if (answer.outcome === 'unreadable') return { outcome: 'unknown', because: answer.because }
  if (answer.outcome === 'refused') return refuseOrder(answer, order, part)
  if (order.call === 'reserve' && isOfOtherBank(order, status, body))
    return { outcome: 'unknown', because: 'The answer names another bank than was ordered.' }
  return provePart(account, part)
}

/** The same bank however it is spelled; where none is named, nothing contradicts the order. */
function isOfOtherBank(order: Extract<Order, { call: 'reserve' }>, status: number, body: Buffer): boolean {
  const named = readBankCode(body, status)
  if (named === undefined || order.beneficiary.kind !== 'bank') return false
  return named.toLowerCase() !== order.beneficiary.bankCode.toLowerCase()
}

function refuseOrder(refusal: Refusal, order: ZenospayOrder, part: AnswerPart): CallResult {
  const rule = findRule(refusal)
  const remedy = rule[order.call]
  const isHeardOf = remedy === 'operator' || remedy === 'failed'
  return { outcome: 'refused', remedy, code: rule.code, ...(isHeardOf && { part }) }
}

/**
 * It was sendable when it was registered, so the configuration is what changed, or a program is wrong: a person has to
 * mend it, and can then have the same sent. Failing it for good would end a payout that its provider never saw.
 */
export function notSendable(order: ZenospayOrder, askedAt: number, problems: string[]): CallResult {
  const part = describePart('submission', order, 0, writeExcerpt({ askedAt, problems }))
  return { outcome: 'refused', remedy: 'operator', code: 'not-sendable', part }
}

export function judgeQuestion(
  account: ZenospayAccount,
  asked: ZenospayQuestion,
  { status, body }: Answered,
): CallResult {
  const answer = readAnswer(status, body)
  if (answer.outcome === 'unreadable') return { outcome: 'unknown', because: answer.because }
  if (answer.outcome === 'refused') {
    const { question, code } = findRule(answer)
    return question === 'not-known'
      ? { outcome: 'not-known' }
      : { outcome: 'refused', remedy: question, code }
  }
  if (asked.call === 'collection' && isUnpaid(answer.data, asked.reference))
    return { outcome: 'answered', parts: [] }
  return provePart(account, describePart('query', asked, status, body))
}

function describePart(
  source: Asked['source'],
  { call, reference }: ZenospayOrder | ZenospayQuestion,
  status: number,
  body: Buffer,
): AnswerPart {
  return { asked: { source, call, status, reference }, body, keyId: '', headers: {} }
}

/** What could not be read later is no answer now. */
function provePart(account: ZenospayAccount, part: AnswerPart): CallResult {
  const translation = translateAnswer(account, part.body, part.asked)
  if (translation.outcome === 'understood') return { outcome: 'answered', parts: [part] }
  return { outcome: 'unknown', because: translation.reason }
}
