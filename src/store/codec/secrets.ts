/**
 * What is sealed of an intent, as text. Nearly all of it is a bank account and nothing beside it, a million of them wait in
 * memory, and a sealed byte takes more than one: those go as a list, without names for what it holds. Anything else goes as it
 * is.
 */
import type { Beneficiary, TransferSecrets } from '../../domain/transfer.ts'

type BankAccount = Extract<Beneficiary, { kind: 'bank' }>
type Listed = [bankCode: string, accountNumber: string, name: string]

export function encodeSecrets(secrets: object): string {
  const account = readBankAccount(secrets)
  if (!account) return JSON.stringify(secrets)
  const listed: Listed = [account.bankCode, account.accountNumber, account.name]
  return JSON.stringify(listed)
}

export function decodeSecrets(text: string): unknown {
  const value = JSON.parse(text) as object
  if (!Array.isArray(value)) return value
  const [bankCode, accountNumber, name] = value as Listed
  return { beneficiary: { kind: 'bank', bankCode, accountNumber, name } }
}

/** Undefined where there is anything else. */
function readBankAccount(secrets: object): BankAccount | undefined {
  const { beneficiary, ...rest } = secrets as Partial<TransferSecrets>
  const isAlone = beneficiary?.kind === 'bank' && Object.keys(rest).length === 0
  return isAlone && Object.keys(beneficiary).length === 4 ? beneficiary : undefined
}
