import type { WechatpayBatch } from '../../domain/batch.ts'
import type { FieldError } from '../../domain/errors.ts'
import { countCharacters, type Limits, type ProposedBatch, type ProposedTransfer } from '../limits.ts'
import { fieldBytesMax } from './encrypt-field.ts'

const numberPattern = /^[0-9A-Za-z]{5,32}$/
const textMax = 32
const openidMax = 64
/** In fen: from 2,000 yuan on the beneficiary's name is needed. */
const namedFromMinor = 200_000n

const appidOf: Record<string, 'subAppid' | 'spAppid'> = {
  INFORMATION_AUTHORIZATION_TYPE: 'subAppid',
  FUND_AUTHORIZATION_TYPE: 'spAppid',
  INFORMATION_AND_FUND_AUTHORIZATION_TYPE: 'subAppid',
}

export const wechatpayLimits: Limits = {
  checkTransfer: (transfer) => [
    ...checkNumber('reference', transfer.reference),
    ...checkText('remark', transfer.remark),
    ...checkPayee(transfer),
  ],
  checkBatch: (batch) => [
    ...checkNumber('reference', batch.reference),
    ...checkText('name', batch.name),
    ...checkText('remark', batch.remark),
    ...checkTerms(batch.wechatpay),
    ...checkNames(batch),
  ],
}

function checkNumber(path: string, text: string | undefined): FieldError[] {
  if (text === undefined || numberPattern.test(text)) return []
  return [{ path, code: 'reference-refused', message: 'WeChat Pay takes 5 to 32 letters and digits.' }]
}

function checkText(path: string, text: string | undefined): FieldError[] {
  if (text === undefined || countCharacters(text) <= textMax) return []
  return [{ path, code: 'too-long', message: `WeChat Pay takes at most ${textMax} characters.` }]
}

function* checkPayee({ beneficiary, amount }: ProposedTransfer): Generator<FieldError> {
  if (beneficiary.kind !== 'wechatpay') return
  const { openid, name, idCard } = beneficiary
  if (openid.length > openidMax)
    yield {
      path: 'beneficiary.openid',
      code: 'too-long',
      message: `WeChat Pay takes at most ${openidMax} characters.`,
    }
  if (name === undefined && amount.minor >= namedFromMinor)
    yield {
      path: 'beneficiary.name',
      code: 'name-needed',
      message: 'WeChat Pay wants the name from 2,000 yuan on.',
    }
  yield* checkSecret('beneficiary.name', name)
  yield* checkSecret('beneficiary.idCard', idCard)
  if (name === undefined && idCard !== undefined)
    yield {
      path: 'beneficiary.idCard',
      code: 'name-needed',
      message: 'WeChat Pay takes an idCard beside a name alone.',
    }
}

/** It is encrypted in one block. */
export function checkSecret(path: string, text: string | undefined): FieldError[] {
  if (text === undefined || Buffer.byteLength(text) <= fieldBytesMax) return []
  return [{ path, code: 'too-long', message: `WeChat Pay takes at most ${fieldBytesMax} bytes.` }]
}

function checkTerms(terms: WechatpayBatch | undefined): FieldError[] {
  if (!terms)
    return [{ path: 'wechatpay', code: 'required', message: 'A batch of an account at WeChat Pay needs it.' }]
  return [...checkWords(terms), ...checkMerchants(terms), ...checkAppid(terms)]
}

const words = {
  authorizationType: Object.keys(appidOf),
  purpose: ['GOODSPAYMENT', 'COMMISSION', 'REFUND', 'REIMBURSEMENT', 'FREIGHT', 'OTHERS'],
  scene: ['ORDINARY_TRANSFER', 'PAYROLL_CARD_TRANSFER'],
} as const

function checkWords(terms: WechatpayBatch): FieldError[] {
  return (['authorizationType', 'purpose', 'scene'] as const).flatMap((name) => {
    const word = terms[name]
    const known: readonly string[] = words[name]
    if (word === undefined || known.includes(word)) return []
    const message = `WeChat Pay knows ${known.join(', ')}.`
    return [{ path: `wechatpay.${name}`, code: 'invalid-value', message }]
  })
}

function checkMerchants(terms: WechatpayBatch): FieldError[] {
  return (['subMchid', 'subAppid', 'spAppid'] as const).flatMap((name) =>
    checkText(`wechatpay.${name}`, terms[name]),
  )
}

function checkAppid(terms: WechatpayBatch): FieldError[] {
  const appid = Object.hasOwn(appidOf, terms.authorizationType) ? appidOf[terms.authorizationType] : undefined
  if (!appid || terms[appid] !== undefined) return []
  const message = `authorizationType ${terms.authorizationType} needs it: openids are those under it.`
  return [{ path: `wechatpay.${appid}`, code: 'required', message }]
}

/** WeChat Pay takes names for all transfers of a batch or for none. */
function checkNames({ transfers }: ProposedBatch): FieldError[] {
  const lack = (transfer: ProposedTransfer) =>
    transfer.beneficiary.kind === 'wechatpay' && transfer.beneficiary.name === undefined
  if (!transfers.some((one) => one && !lack(one))) return []
  return transfers.flatMap((one, i) => {
    // From that amount on it is said of the transfer itself.
    if (!one || !lack(one) || one.amount.minor >= namedFromMinor) return []
    const message = 'Others of the batch have a name, and WeChat Pay takes names for all or for none.'
    return [{ path: `transfers[${i}].beneficiary.name`, code: 'name-needed', message }]
  })
}
