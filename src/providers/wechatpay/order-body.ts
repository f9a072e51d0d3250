/**
 * The bodies of orders, key by key in the order of the documents. Amounts are whole fen and written from a bigint, so no
 * digit can be lost. The same order gives the same body again but for what is encrypted, which is never twice alike.
 */
import { setImmediate } from 'node:timers/promises'
import { stringify } from 'lossless-json'
import type { OrderedTransfer } from '../client.ts'
import type { PlatformKey } from './account.ts'
import { type Grant, type PayBatch, totalOf } from './check-order.ts'
import { encryptField } from './encrypt-field.ts'

/** So many are encrypted in one go; a full batch takes longer than other work can wait. */
const encryptedAtOnce = 100

/** Below 0.30 yuan merchants must not send a name. */
const namedFromMinor = 30n

export async function writePayBatch(order: PayBatch, { key }: PlatformKey): Promise<string> {
  const { terms, transfers } = order
  const isNamed = sendsNames(transfers)
  const details: Record<string, unknown>[] = []
  for (const [i, transfer] of transfers.entries()) {
    if (i > 0 && i % encryptedAtOnce === 0) await setImmediate()
    details.push(
      describeDetail(transfer, order.remark, (text) => (isNamed ? encryptField(text, key) : undefined)),
    )
  }
  return write({
    sub_mchid: terms.subMchid,
    sub_appid: terms.subAppid,
    authorization_type: terms.authorizationType,
    out_batch_no: order.reference,
    batch_name: order.name,
    batch_remark: order.remark,
    total_amount: totalOf(transfers),
    total_num: transfers.length,
    transfer_detail_list: details,
    sp_appid: terms.spAppid,
    transfer_purpose: terms.purpose,
    transfer_scene: terms.scene,
  })
}

/**
 * Names are sent for all of a batch or for none. Where every transfer of it is too small for a name none is sent; a small
 * one among others keeps its name, since that all have one is said of service providers and the other rule only of merchants.
 */
function sendsNames(transfers: readonly OrderedTransfer[]): boolean {
  return transfers.some(({ amount }) => amount.minor >= namedFromMinor)
}

/** WeChat Pay needs a remark for each; that of the batch stands for one that is missing. */
function describeDetail(
  { reference, amount, remark, beneficiary }: OrderedTransfer,
  batchRemark: string,
  encrypt: (text: string) => string | undefined,
): Record<string, unknown> {
  const payee = beneficiary.kind === 'wechatpay' ? beneficiary : undefined
  return {
    out_detail_no: reference,
    transfer_amount: amount.minor,
    transfer_remark: remark || batchRemark,
    openid: payee?.openid,
    user_name: payee?.name === undefined ? undefined : encrypt(payee.name),
    user_id_card: payee?.idCard === undefined ? undefined : encrypt(payee.idCard),
  }
}

export function writeGrant(order: Grant, { key }: PlatformKey): string {
  return write({
    stock_id: order.stockId,
    out_request_no: order.reference,
    user_name: encryptField(order.name, key),
    id_card_number: encryptField(order.idCard, key),
    amount: order.amount?.minor,
    appid: order.appid,
    card_type: 'ID_CARD',
  })
}

/** A bigint becomes a number of all its digits; what is undefined is left out. */
function write(value: Record<string, unknown>): string {
  return stringify(value) ?? ''
}
