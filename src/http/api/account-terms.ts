/** What an account takes: its currency, whom it pays, and what its provider refuses. */
import { AppError, type FieldError } from '../../domain/errors.ts'
import type { Beneficiary } from '../../domain/transfer.ts'
import type { Client } from '../../providers/client.ts'
import type { Limits, ProposedTransfer } from '../../providers/limits.ts'

export interface AccountTerms {
  currency: string
  beneficiaries: readonly Beneficiary['kind'][]
  /** Where a transfer's reference is unique at the provider: in the account, or only in its batch. */
  referencesUniqueIn: 'account' | 'batch'
  limits: Limits
  /** Whether its provider grants coupons. */
  coupons?: boolean
  /** What its provider can be ordered and asked; missing where it cannot be called. */
  client?: Pick<Client, 'orders' | 'questions'> | undefined
}

const beneficiaryForms: Record<Beneficiary['kind'], string> = {
  bank: 'a bank: bankCode, accountNumber and name',
  wechatpay: 'a WeChat Pay user: openid',
}

export const unknownAccount: FieldError = {
  path: 'account',
  code: 'unknown-account',
  message: 'There is no such account.',
}

/** Every fault of one transfer, with its place in the transfer. */
export function checkTransfer(terms: AccountTerms, transfer: ProposedTransfer): FieldError[] {
  const { currency, beneficiaries, limits } = terms
  const faults: FieldError[] = []
  if (currency !== transfer.amount.currency)
    faults.push({
      path: 'amount.currency',
      code: 'wrong-currency',
      message: `The account pays in ${currency}.`,
    })
  if (!beneficiaries.includes(transfer.beneficiary.kind)) {
    const wanted = beneficiaries.map((kind) => beneficiaryForms[kind]).join(' or ')
    faults.push({
      path: 'beneficiary',
      code: 'wrong-beneficiary',
      message: `The account pays to ${wanted}.`,
    })
  }
  // What the provider says of an amount is meant in its currency.
  return faults.length > 0 ? faults : limits.checkTransfer(transfer)
}

export function invalidRequest(errors: FieldError[]): AppError {
  return new AppError('invalid-request', { detail: 'The request is not valid; `errors` says where.', errors })
}
