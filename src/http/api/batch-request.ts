/**
 * What `POST /v1/batches` takes. Every fault of every transfer is found at once, and nothing is stored while there is
 * one. So the transfers are read one by one: a fault in one of them must not hide those of the batch, or of the others.
 */
import { z } from 'zod'
import { batchSizeMax, type WechatpayBatch } from '../../domain/batch.ts'
import { type FieldError, formatPath } from '../../domain/errors.ts'
import { formatAmount, minorMax } from '../../domain/money.ts'
import type { ProposedTransfer } from '../../providers/limits.ts'
import { type AccountTerms, checkTransfer, invalidRequest, unknownAccount } from './account-terms.ts'
import { takenAs } from './operation.ts'
import { findSendFault } from './sending-terms.ts'
import { beneficiarySchema, byKey, identifier, line, moneySchema } from './transfer-request.ts'
import { explain, readFields, toFieldErrors } from './validate.ts'

const wechatpaySchema = z
  .strictObject({
    authorizationType: z.enum([
      'INFORMATION_AUTHORIZATION_TYPE',
      'FUND_AUTHORIZATION_TYPE',
      'INFORMATION_AND_FUND_AUTHORIZATION_TYPE',
    ]),
    subMchid: identifier(32),
    subAppid: identifier(32).optional(),
    spAppid: identifier(32).optional(),
    purpose: z
      .enum(['GOODSPAYMENT', 'COMMISSION', 'REFUND', 'REIMBURSEMENT', 'FREIGHT', 'OTHERS'])
      .optional(),
    scene: z.enum(['ORDINARY_TRANSFER', 'PAYROLL_CARD_TRANSFER']).optional(),
  })
  .transform((fields): WechatpayBatch => JSON.parse(JSON.stringify(fields)) as WechatpayBatch)

export const memberSchema = z.strictObject({
  reference: identifier(128),
  amount: moneySchema,
  beneficiary: beneficiarySchema,
  remark: line(128).optional(),
})

export const batchRequestSchema = z.strictObject({
  account: identifier(64),
  reference: identifier(128),
  name: line(128),
  remark: line(128),
  total: z
    .strictObject({ count: z.int().min(0).optional(), amount: moneySchema.optional() })
    .optional()
    .meta({ description: 'What you think they come to; compared and not kept.' }),
  wechatpay: wechatpaySchema.optional().meta({ description: 'Of a partner batch of WeChat Pay.' }),
  submit: z.boolean().optional().meta({ description: 'Sent at once; no part of the content.' }),
  transfers: z.array(takenAs(z.unknown(), memberSchema)).min(1).max(batchSizeMax),
})

type Transfer = z.output<typeof memberSchema>
type Shell = z.output<typeof batchRequestSchema>

export interface BatchContent extends Omit<Shell, 'transfers' | 'total'> {
  transfers: Transfer[]
  terms: AccountTerms
}

export function readBatchRequest(input: unknown, accounts: ReadonlyMap<string, AccountTerms>): BatchContent {
  const shell = batchRequestSchema.safeParse(input, { error: explain })
  const own = shell.success ? [] : shell.error.issues.flatMap(toFieldErrors)
  const fields = readFields(batchRequestSchema.shape, input)
  const raw = fields.transfers ?? []
  const read = raw.map((one) => memberSchema.safeParse(one, { error: explain }))
  const transfers = read.map((one) => (one.success ? one.data : undefined))
  const terms = fields.account === undefined ? undefined : accounts.get(fields.account)
  const faults = [
    ...own,
    ...(fields.account !== undefined && !terms ? [unknownAccount] : []),
    ...(fields.submit && terms ? faultsOf(findSendFault(terms, 'batch')) : []),
    ...beyond(own, terms?.limits.checkBatch({ ...fields, transfers })),
    ...read.flatMap((one, i) => at(i, one.success ? [] : one.error.issues.flatMap(toFieldErrors))),
    ...transfers.flatMap((one, i) => at(i, one && terms ? checkTransfer(terms, one) : [])),
    ...findRepeated(raw),
    ...checkSums(fields.total, transfers),
  ]
  if (faults.length > 0 || !shell.success || !terms) throw invalidRequest(faults)
  const { total: _, ...content } = shell.data
  return { ...content, terms, transfers: transfers as Transfer[] }
}

function faultsOf(fault: FieldError | undefined): FieldError[] {
  return fault ? [fault] : []
}

/** What a provider misses in a field that is there and faulty has been said already. */
function beyond(said: readonly FieldError[], faults: readonly FieldError[] = []): FieldError[] {
  const fieldOf = ({ path }: FieldError) => /^\w*/.exec(path)?.[0]
  const fields = new Set(said.map(fieldOf))
  return faults.filter((fault) => !fields.has(fieldOf(fault)))
}

function at(index: number, faults: FieldError[]): FieldError[] {
  const place = formatPath(['transfers', index])
  return faults.map((fault) => ({ ...fault, path: fault.path === '' ? place : `${place}.${fault.path}` }))
}

/** Said of each but the first that has it. */
function findRepeated(raw: readonly unknown[]): FieldError[] {
  const first = new Map<string, number>()
  return raw.flatMap((one, i) => {
    const { reference } = Object(one) as { reference?: unknown }
    if (typeof reference !== 'string') return []
    const earlier = first.get(reference)
    if (earlier === undefined) {
      first.set(reference, i)
      return []
    }
    const message = `transfers[${earlier}] has the same reference.`
    return [{ path: formatPath(['transfers', i, 'reference']), code: 'repeated-reference', message }]
  })
}

/** Only where every transfer could be read: else they come to something else anyway. */
function checkSums(
  total: Shell['total'],
  transfers: readonly (ProposedTransfer | undefined)[],
): FieldError[] {
  const read = transfers.flatMap((one) => (one ? [one] : []))
  const currency = read[0]?.amount.currency
  const isOne = read.length === transfers.length && read.every(({ amount }) => amount.currency === currency)
  const faults: FieldError[] = []
  if (total?.count !== undefined && total.count !== transfers.length)
    faults.push({
      path: 'total.count',
      code: 'does-not-add-up',
      message: `There are ${transfers.length} transfers.`,
    })
  if (!isOne || currency === undefined) return faults
  const minor = sumOf(read)
  if (minor > minorMax)
    faults.push({
      path: 'transfers',
      code: 'too-large',
      message: 'They come to more than any real amount.',
    })
  else if (total?.amount && (total.amount.minor !== minor || total.amount.currency !== currency))
    faults.push({
      path: 'total.amount',
      code: 'does-not-add-up',
      message: `The transfers come to ${formatAmount({ minor, currency })} ${currency}.`,
    })
  return faults
}

export function sumOf(transfers: readonly Pick<ProposedTransfer, 'amount'>[]): bigint {
  return transfers.reduce((sum, { amount }) => sum + amount.minor, 0n)
}

/** The same content gives the same text, whatever the order of its fields. */
export function canonicalBatch(content: BatchContent): string {
  const { account, reference, name, remark, wechatpay, transfers } = content
  return JSON.stringify([
    account,
    reference,
    name,
    remark,
    Object.entries(wechatpay ?? {}).sort(byKey),
    transfers.map(canonicalMember),
  ])
}

export function canonicalMember({ reference, amount, beneficiary, remark }: Transfer): unknown[] {
  const fields = Object.entries(beneficiary).sort(byKey)
  return [reference, amount.minor.toString(), amount.currency, fields, remark ?? null]
}
