/**
 * What an answer to a call of ours says, in our words. Its bytes were proved when they came, or cut from bytes that were. It
 * must speak of the very thing that was asked about, by our own number: a true answer to another question is none.
 */
import type { Asked } from '../../domain/receipt.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { readJson } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { translateAccepted, translateBatchAnswer } from './translate-answer-batch.ts'
import { translateCouponAnswer, translateGranted } from './translate-answer-coupon.ts'
import { translateDetail, translateListed } from './translate-answer-transfer.ts'
import { translateRefusal } from './translate-refusal.ts'

export type TranslateAnswer = (account: WechatpayAccount, value: unknown, asked: Asked) => Translation

const byCall = new Map<string, TranslateAnswer>([
  ['submission pay-batch', translateAccepted],
  ['submission grant', translateGranted],
  ['query batch', translateBatchAnswer],
  ['query batch-page', translateListed],
  ['query transfer', translateDetail],
  ['query coupon', translateCouponAnswer],
])

export function translateAnswer(account: WechatpayAccount, body: Buffer, asked: Asked): Translation {
  const parsed = readJson(body)
  if ('problem' in parsed) return notUnderstood(`The answer ${parsed.problem}`)
  const { source, call, status } = asked
  const translate = byCall.get(`${source} ${call}`)
  if (!translate) return notUnderstood('It answers no call that is made.')
  if (status === 200) return translate(account, parsed.value, asked)
  if (source === 'submission') return translateRefusal(account, parsed.value, asked)
  return notUnderstood(`The status ${status} answers no question.`)
}
