/** `GET /api/balance`. Its figures are JSON numbers, and stay the text that they are. */
import { z } from 'zod'
import type { Balance } from '../client.ts'
import { readAnswer } from './answer.ts'

/** An account may be overdrawn. */
const decimal = z.string().regex(/^-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?$/)

const balanceSchema = z.object({
  balance: decimal,
  reserved_funds: decimal.nullish(),
  outstanding_funds: decimal.nullish(),
})

export function readBalance(status: number, body: Buffer, currency: string): Balance | undefined {
  const answer = readAnswer(status, body)
  const read = answer.outcome === 'said' ? balanceSchema.safeParse(answer.data) : undefined
  if (!read?.success) return undefined
  const { balance, reserved_funds: reserved, outstanding_funds: outstanding } = read.data
  return { available: balance, ...(reserved && { reserved }), ...(outstanding && { outstanding }), currency }
}
