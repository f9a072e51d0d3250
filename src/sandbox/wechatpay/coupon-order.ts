/** `POST /v3/multiuse/users/{openid}/coupons`: what of an order the documents forbid. */
import { z } from 'zod'
import type { Encrypting } from './batch-order.ts'
import { fen, findEncryptingKey, oneOf, readFields, readSecret, text, word } from './fields.ts'
import { paramError, type Read, read, refuse } from './problem.ts'

const couponSchema = z.object({
  stock_id: text(20),
  out_request_no: word(
    /^[0-9A-Za-z|_*-]{1,128}$/,
    'It must be 1 to 128 letters, digits and any of | _ * and -.',
  ),
  user_name: text(2048),
  id_card_number: text(2048),
  amount: fen.optional(),
  appid: text(32),
  card_type: oneOf(['ID_CARD']),
})

export type CouponOrder = z.output<typeof couponSchema> & { openid: string; amount: number }

/** Stocks whose coupons are all worth the same; the others' orders name an amount. */
export type FixedStocks = ReadonlyMap<string, number>

export function readCouponOrder(
  openid: string,
  body: unknown,
  encrypting: Encrypting,
  fixed: FixedStocks,
): Read<CouponOrder> {
  if ([...openid].length > 128)
    return refuse(paramError('path', 'openid', 'It has more than 128 characters.'))
  const fields = readFields(couponSchema, body)
  if (fields.outcome === 'refused') return fields
  const amount = readWorth(fields.value, fixed)
  if (amount.outcome === 'refused') return amount
  const key = findEncryptingKey(encrypting.serial, encrypting.find)
  if (key.outcome === 'refused') return key
  const name = readSecret(fields.value.user_name, '/user_name', key.value)
  if (name.outcome === 'refused') return name
  const card = readSecret(fields.value.id_card_number, '/id_card_number', key.value)
  if (card.outcome === 'refused') return card
  const opened = { user_name: name.value, id_card_number: card.value }
  return read({ ...fields.value, ...opened, openid, amount: amount.value })
}

function readWorth({ stock_id, amount }: z.output<typeof couponSchema>, fixed: FixedStocks): Read<number> {
  const worth = fixed.get(stock_id)
  if (worth !== undefined && amount !== undefined)
    return refuse(paramError('body', '/amount', 'The coupons of the stock have a fixed worth.'))
  const value = worth ?? amount
  return value === undefined ? refuse(paramError('body', '/amount', 'It is missing.')) : read(value)
}
