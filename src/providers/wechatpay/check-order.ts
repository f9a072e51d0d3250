/**
 * What WeChat Pay would refuse is not sent at all. Registration has looked at most of it, but what is kept may be older than
 * a rule, or have lost what was erased; and a batch stands and falls as a whole.
 */
import { batchSizeMax } from '../../domain/batch.ts'
import type { FieldError } from '../../domain/errors.ts'
import { type Money, minorMax } from '../../domain/money.ts'
import type { Order, OrderedTransfer } from '../client.ts'
import { checkSecret, wechatpayLimits } from './limits.ts'
import { fitsPath } from './paths.ts'

export type PayBatch = Extract<Order, { call: 'pay-batch' }>
export type Grant = Extract<Order, { call: 'grant' }>

/** Every reason, and none of the values. */
export function checkPayBatch(order: PayBatch): FieldError[] {
  const { reference, name, remark, terms, transfers } = order
  return [
    ...wechatpayLimits.checkBatch({ reference, name, remark, wechatpay: terms, transfers }),
    ...checkPresent('name', name),
    ...checkPresent('remark', remark),
    ...checkList(transfers),
    ...transfers.flatMap((one, i) =>
      checkOne(one).map((fault) => ({ ...fault, path: `transfers[${i}].${fault.path}` })),
    ),
  ]
}

function checkOne(transfer: OrderedTransfer): FieldError[] {
  const { beneficiary, amount } = transfer
  const faults = [...wechatpayLimits.checkTransfer(transfer), ...checkAmount('amount', amount)]
  if (beneficiary.kind !== 'wechatpay')
    return [...faults, fault('beneficiary', 'wrong-beneficiary', 'WeChat Pay pays to an openid.')]
  return [...faults, ...checkPresent('beneficiary.openid', beneficiary.openid)]
}

function* checkList(transfers: readonly OrderedTransfer[]): Generator<FieldError> {
  const { length } = transfers
  if (length < 1 || length > batchSizeMax)
    yield fault('transfers', 'invalid-value', `WeChat Pay takes 1 to ${batchSizeMax} transfers in a batch.`)
  if (new Set(transfers.map(({ reference }) => reference)).size < length)
    yield fault('transfers', 'repeated-reference', 'Two of them have the same reference.')
  if (totalOf(transfers) > minorMax)
    yield fault('transfers', 'too-large', 'They come to more than any real amount.')
}

const referencePattern = /^[A-Za-z0-9|_*-]{1,128}$/
const lengths = { stockId: 20, openid: 128, appid: 32 } as const

export function checkGrant(order: Grant): FieldError[] {
  const tooLong = (['stockId', 'openid', 'appid'] as const).flatMap((path) => {
    const max = lengths[path]
    return order[path].length > max ? [fault(path, 'too-long', `WeChat Pay takes at most ${max}.`)] : []
  })
  return [
    ...checkReference(order),
    ...tooLong,
    ...(['stockId', 'openid', 'appid', 'name', 'idCard'] as const).flatMap((path) =>
      checkPresent(path, order[path]),
    ),
    ...(order.openid && !fitsPath(order.openid)
      ? [fault('openid', 'invalid-value', 'It is no openid.')]
      : []),
    ...checkSecret('name', order.name),
    ...checkSecret('idCard', order.idCard),
    ...(order.amount ? checkAmount('amount', order.amount) : []),
  ]
}

function checkReference({ reference }: Grant): FieldError[] {
  if (referencePattern.test(reference)) return []
  const message = 'WeChat Pay takes up to 128 letters, digits and | _ * - signs.'
  return [fault('reference', 'reference-refused', message)]
}

function checkPresent(path: string, text: string): FieldError[] {
  return text === '' ? [fault(path, 'required', 'WeChat Pay needs it.')] : []
}

function* checkAmount(path: string, { minor, currency }: Money): Generator<FieldError> {
  if (currency !== 'CNY') yield fault(`${path}.currency`, 'wrong-currency', 'WeChat Pay pays in CNY.')
  if (minor <= 0n || minor > minorMax)
    yield fault(`${path}.value`, 'not-positive', 'It must be more than zero, and a real amount.')
}

export function totalOf(transfers: readonly Pick<OrderedTransfer, 'amount'>[]): bigint {
  return transfers.reduce((sum, { amount }) => sum + amount.minor, 0n)
}

function fault(path: string, code: string, message: string): FieldError {
  return { path, code, message }
}
