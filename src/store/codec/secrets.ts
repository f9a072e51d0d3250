/**
 * What is sealed of an intent, as text. Nearly all of it is bank accounts, a million of them wait in memory, and a sealed byte takes
 * more than one: those go as a list, without names for what it holds. Anything else is an object and goes as it is.
 */
import type { Beneficiary, TransferSecrets } from '../../domain/transfer.ts'

type BankAccount = Extract<Beneficiary, { kind: 'bank' }>
type Listed = [bankCode: string, accountNumber: string, name: string, metadata?: TransferSecrets['metadata']]

export function encodeSecrets(secrets: object): string {
  return JSON.stringify(isOfBank(secrets) ? toList(secrets) : secrets)
}

export function decodeSecrets(text: string): unknown {
  const value = JSON.parse(text) as object
  return Array.isArray(value) ? fromList(value as Listed) : value
}

interface BankSecrets extends TransferSecrets {
  beneficiary: BankAccount
}

function isOfBank(secrets: object): secrets is BankSecrets {
  return (secrets as Partial<TransferSecrets>).beneficiary?.kind === 'bank'
}

function toList({ beneficiary: { bankCode, accountNumber, name }, metadata }: BankSecrets): Listed {
  return metadata ? [bankCode, accountNumber, name, metadata] : [bankCode, accountNumber, name]
}

function fromList([bankCode, accountNumber, name, metadata]: Listed): BankSecrets {
  return { beneficiary: { kind: 'bank', bankCode, accountNumber, name }, ...(metadata && { metadata }) }
}
