/** From an answer that is proved to what came of the call. */
import type { Asked } from '../../domain/receipt.ts'
import type { AnswerPart, CallResult, Order, Question, Remedy } from '../client.ts'
import { readJson } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { remedyOf, saysAbsent } from './errors.ts'
import { type Page, readPage } from './excerpt.ts'
import type { ProvedAnswer } from './send.ts'
import { translateAnswer } from './translate-answer.ts'
import { readErrorCode } from './translate-refusal.ts'

type LeaveOut = (about: { position: number; reason: string }) => void

/** Anything but a refusal that is known, or exactly what is expected, leaves it open whether the order was taken. */
export function concludeOrder(account: WechatpayAccount, order: Order, answer: ProvedAnswer): CallResult {
  const { status } = answer
  const { call, reference } = order
  const again = answer.again && { again: true as const }
  const part = partOf(answer, { source: 'submission', call, status, reference, ...again })
  if (status === 200) return concludeExact(account, part)
  const code = readCode(answer)
  if (code === undefined) return unknown(`The answer ${status} has no code of an error.`)
  const remedy = remedyOf(status, code)
  const isToBeHeard = remedy === 'operator' || remedy === 'failed'
  return { outcome: 'refused', remedy, code, ...(isToBeHeard && { part }) }
}

/** `leaveOut`: told of what a page says of a transfer and is not understood. */
export function concludeQuestion(
  account: WechatpayAccount,
  question: Question,
  answer: ProvedAnswer,
  leaveOut: LeaveOut,
): CallResult {
  const { status } = answer
  if (status !== 200) return concludeError(answer)
  if (question.call === 'batch-page') return concludePage(account, question, answer, leaveOut)
  const { call, reference } = question
  const batch = question.call === 'transfer' ? question.batch : undefined
  const asked: Asked = { source: 'query', call, status, reference, ...(batch !== undefined && { batch }) }
  const result = concludeExact(account, partOf(answer, asked))
  return question.call === 'coupon' ? checkNumber(account, question, result) : result
}

function concludeError(answer: ProvedAnswer): CallResult {
  const { status } = answer
  const code = readCode(answer)
  if (code === undefined) return unknown(`The answer ${status} has no code of an error.`)
  if (saysAbsent(status, code)) return { outcome: 'not-known' }
  // Nothing is lost by asking again, and a question that is refused says nothing about what it asks.
  const remedies: Record<Remedy, Remedy> = {
    same: 'same',
    ask: 'same',
    operator: 'operator',
    failed: 'operator',
  }
  return { outcome: 'refused', remedy: remedies[remedyOf(status, code)], code }
}

function concludeExact(account: WechatpayAccount, part: AnswerPart): CallResult {
  const read = translateAnswer(account, part.body, part.asked)
  return read.outcome === 'understood' ? { outcome: 'answered', parts: [part] } : unknown(read.reason)
}

/** The coupon that was asked about, and not merely one of the same user. */
function checkNumber(
  account: WechatpayAccount,
  { couponNumber }: Extract<Question, { call: 'coupon' }>,
  result: CallResult,
): CallResult {
  const [part] = result.outcome === 'answered' ? result.parts : []
  const read = part && translateAnswer(account, part.body, part.asked)
  if (read?.outcome !== 'understood' || read.observation.kind !== 'coupon-grant') return result
  return read.observation.couponNumber === couponNumber
    ? result
    : unknown('coupon_id is not what was asked about.')
}

/** What one line of a page says in words that are not known hides none of the others. */
function concludePage(
  account: WechatpayAccount,
  question: Extract<Question, { call: 'batch-page' }>,
  answer: ProvedAnswer,
  leaveOut: LeaveOut,
): CallResult {
  const page = readPage(account, answer.body, question)
  if ('problem' in page) return unknown(page.problem)
  const parts = page.excerpts.flatMap((excerpt, index) => {
    const part = partOfExcerpt(answer, question.reference, excerpt)
    const read = translateAnswer(account, part.body, part.asked)
    if (read.outcome === 'understood') return [part]
    leaveOut({ position: question.from + index, reason: read.reason })
    return []
  })
  return { outcome: 'answered', parts, ...(page.next !== undefined && { next: page.next }) }
}

function partOfExcerpt(
  { status, keyId }: ProvedAnswer,
  batch: string,
  { reference, body }: Page['excerpts'][number],
): AnswerPart {
  const asked: Asked = { source: 'query', call: 'batch-page', status, reference, batch }
  return { asked, body, keyId, headers: {} }
}

function partOf({ body, keyId, headers }: ProvedAnswer, asked: Asked): AnswerPart {
  return { asked, body, keyId, headers }
}

function readCode({ status, body }: ProvedAnswer): string | undefined {
  const parsed = readJson(body)
  return status >= 400 && 'value' in parsed ? readErrorCode(parsed.value) : undefined
}

function unknown(because: string): CallResult {
  return { outcome: 'unknown', because }
}
