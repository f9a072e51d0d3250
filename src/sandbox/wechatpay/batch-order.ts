/**
 * `POST /v3/partner-transfer/batches`: what of an order the documents forbid. Encrypted fields are read here, since a
 * repeated order is the same when they say the same, however they were encrypted.
 */
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { fen, findEncryptingKey, oneOf, readFields, readSecret, text, word } from './fields.ts'
import type { PlatformKeyPair } from './platform.ts'
import { type Problem, paramError, type Read, read, refuse } from './problem.ts'

const detailsMax = 3000
/** From 2,000 yuan on, in fen. */
const namedFrom = 200_000

const number = word(/^[0-9A-Za-z]{5,32}$/, 'It must be 5 to 32 letters and digits.')

const detailSchema = z.object({
  out_detail_no: number,
  transfer_amount: fen,
  transfer_remark: text(32),
  openid: text(64),
  user_name: text(1024).optional(),
  user_id_card: text(1024).optional(),
})
export type OrderedDetail = z.output<typeof detailSchema>

const batchSchema = z.object({
  sub_mchid: text(32),
  sub_appid: text(32).optional(),
  sp_appid: text(32).optional(),
  authorization_type: oneOf([
    'INFORMATION_AUTHORIZATION_TYPE',
    'FUND_AUTHORIZATION_TYPE',
    'INFORMATION_AND_FUND_AUTHORIZATION_TYPE',
  ]),
  out_batch_no: number,
  batch_name: text(32),
  batch_remark: text(32),
  total_amount: fen,
  total_num: z
    .int({ error: 'It must be a whole number.' })
    .min(1, 'It must be at least 1.')
    .max(detailsMax, `It must be at most ${detailsMax}.`),
  transfer_detail_list: z
    .array(detailSchema, { error: 'It must be a list.' })
    .min(1, 'It is empty.')
    .max(detailsMax, `It has more than ${detailsMax} transfers.`),
  transfer_purpose: oneOf([
    'GOODSPAYMENT',
    'COMMISSION',
    'REFUND',
    'REIMBURSEMENT',
    'FREIGHT',
    'OTHERS',
  ]).optional(),
  transfer_scene: oneOf(['ORDINARY_TRANSFER', 'PAYROLL_CARD_TRANSFER']).optional(),
})
export type BatchOrder = z.output<typeof batchSchema>

export interface Encrypting {
  serial: string | undefined
  find: (serial: string) => PlatformKeyPair | undefined
}

export async function readBatchOrder(body: unknown, encrypting: Encrypting): Promise<Read<BatchOrder>> {
  const fields = readFields(batchSchema, body)
  if (fields.outcome === 'refused') return fields
  const problem = findBatchProblem(fields.value)
  return problem ? refuse(problem) : openDetails(fields.value, encrypting)
}

/** The appid that its openids stand under. */
export function appidOf(order: BatchOrder): { field: 'sub_appid' | 'sp_appid'; appid: string | undefined } {
  const field = order.authorization_type === 'FUND_AUTHORIZATION_TYPE' ? 'sp_appid' : 'sub_appid'
  return { field, appid: order[field] }
}

function findBatchProblem(order: BatchOrder): Problem | undefined {
  const { transfer_detail_list: details } = order
  const { field, appid } = appidOf(order)
  if (appid === undefined) return at(`/${field}`, `${order.authorization_type} needs it.`)
  if (order.total_num !== details.length) return at('/total_num', `The list has ${details.length} transfers.`)
  const sum = details.reduce((total, { transfer_amount }) => total + BigInt(transfer_amount), 0n)
  if (BigInt(order.total_amount) !== sum) return at('/total_amount', `The transfers come to ${sum} fen.`)
  return findNumberProblem(details) ?? findNameProblem(details)
}

function findNumberProblem(details: readonly OrderedDetail[]): Problem | undefined {
  const seen = new Set<string>()
  for (const [index, { out_detail_no: detailNumber }] of details.entries()) {
    if (seen.has(detailNumber))
      return at(`/transfer_detail_list/${index}/out_detail_no`, 'It stands twice in the batch.')
    seen.add(detailNumber)
  }
  return undefined
}

function findNameProblem(details: readonly OrderedDetail[]): Problem | undefined {
  const named = details.some(({ user_name }) => user_name !== undefined)
  for (const [index, { user_name, user_id_card, transfer_amount }] of details.entries()) {
    if (user_name !== undefined) continue
    const field = `/transfer_detail_list/${index}/user_name`
    if (transfer_amount >= namedFrom) return at(field, 'It is needed from 2,000 yuan on.')
    if (user_id_card !== undefined) return at(field, 'user_id_card needs it.')
    if (named) return at(field, 'Others of the batch have it; it is for all or for none.')
  }
  return undefined
}

function at(field: string, issue: string): Problem {
  return paramError('body', field, issue)
}

const secretFields = ['user_name', 'user_id_card'] as const
/** Thousands of decryptions take seconds, and others wait. */
const decryptedAtOnce = 16

async function openDetails(order: BatchOrder, { serial, find }: Encrypting): Promise<Read<BatchOrder>> {
  const details = order.transfer_detail_list
  if (details.every(({ user_name }) => user_name === undefined)) return read(order)
  const key = findEncryptingKey(serial, find)
  if (key.outcome === 'refused') return key
  const opened: OrderedDetail[] = []
  for (const [index, detail] of details.entries()) {
    const one = openDetail(detail, index, key.value)
    if (one.outcome === 'refused') return one
    opened.push(one.value)
    if (index % decryptedAtOnce === decryptedAtOnce - 1) await setImmediate()
  }
  return read({ ...order, transfer_detail_list: opened })
}

function openDetail(detail: OrderedDetail, index: number, key: PlatformKeyPair): Read<OrderedDetail> {
  const opened = { ...detail }
  for (const name of secretFields) {
    const encrypted = detail[name]
    if (encrypted === undefined) continue
    const secret = readSecret(encrypted, `/transfer_detail_list/${index}/${name}`, key)
    if (secret.outcome === 'refused') return secret
    opened[name] = secret.value
  }
  return read(opened)
}
