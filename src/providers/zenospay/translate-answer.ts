/** What the answer to a call of ours says, in our words. What was asked is told beside it, since an answer need not say so. */
import type { Asked } from '../../domain/receipt.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import type { ZenospayAccount } from './account.ts'
import { readAnswer } from './answer.ts'
import { translatePaymentStatus } from './translate-payment-status.ts'
import { translateStatus } from './translate-status.ts'
import { translateOrder } from './translate-submission.ts'

type Account = Pick<ZenospayAccount, 'id' | 'currency'>

export function translateAnswer(account: Account, body: Buffer, asked: Asked): Translation {
  switch (asked.call) {
    case 'reserve':
    case 'pay':
      return translateOrder(account, body, asked)
    case 'transfer':
    case 'collection':
      return translateQuery(account, body, asked)
    default:
      return notUnderstood(`No answer to ${JSON.stringify(asked.call.slice(0, 32))} is known.`)
  }
}

function translateQuery(account: Account, body: Buffer, { call, status, reference }: Asked): Translation {
  const answer = readAnswer(status, body)
  if (answer.outcome === 'unreadable') return notUnderstood(answer.because)
  if (answer.outcome === 'refused') return notUnderstood('The question was refused.')
  const translate = call === 'transfer' ? translateStatus : translatePaymentStatus
  return translate(account, answer.data, reference)
}
