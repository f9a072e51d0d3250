/** An order that was refused, as its code says. The text beside the code may change, and is for people alone. */
import { z } from 'zod'
import type { Asked } from '../../domain/receipt.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import type { WechatpayAccount } from './account.ts'
import { remedyOf } from './errors.ts'
import { describeRefusal } from './failure-codes.ts'

/** Words, and of coupons also numbers. */
const errorSchema = z.object({ code: z.string().regex(/^[A-Z0-9_]{1,64}$/) })

export function readErrorCode(value: unknown): string | undefined {
  return errorSchema.safeParse(value).data?.code
}

export function translateRefusal(
  account: WechatpayAccount,
  value: unknown,
  { call, reference, status, again }: Asked,
): Translation {
  const code = readErrorCode(value)
  if (code === undefined) return notUnderstood('The answer has no code of an error.')
  const remedy = remedyOf(status, code)
  if (remedy === 'same' || remedy === 'ask') return notUnderstood(`${code} refuses nothing.`)
  return {
    outcome: 'understood',
    observation: {
      kind: 'submission',
      source: 'submission',
      account: account.id,
      of: call === 'grant' ? 'coupon' : 'batch',
      reference,
      status: 'refused',
      remedy,
      failure: describeRefusal(code),
      ...(again && { again }),
    },
  }
}
