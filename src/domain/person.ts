/**
 * Who somebody is, as texts to be digested: what is sealed still has to be compared and found. A number is the same however it
 * is grouped: spaces, dots, slashes and hyphens do not count, nor does the case of letters. Leading zeros do. An
 * openid has no such freedom and is taken as it is. A name is the same whatever its case and spacing.
 */
import type { Beneficiary } from './transfer.ts'

export function describePerson(kind: Beneficiary['kind'], number: string): string {
  return kind === 'bank' ? describeBankNumber(number) : describeOpenid(number)
}

export function describeBeneficiary(beneficiary: Beneficiary): string {
  return beneficiary.kind === 'bank'
    ? describeBankNumber(beneficiary.accountNumber)
    : describeOpenid(beneficiary.openid)
}

/** Everything that a text may be which somebody looks for. */
export function describeSearch(text: string): string[] {
  return [describeBankNumber(text), describeOpenid(text.trim())]
}

function describeName(name: string): string {
  const words = name.normalize('NFKC').toUpperCase().split(/\s+/)
  return `name:${words.filter((word) => word !== '').join(' ')}`
}

/** Short: it only has to tell two spellings of one person from two persons, for a warning. */
export function digestName(name: string, digestPerson: (text: string) => string): string {
  return digestPerson(describeName(name)).slice(0, 8)
}

/** Of a pay-in nobody's number is known; without a name it is about nobody but itself. */
export function describeCustomer(name: string | undefined, transaction: string): string {
  return name ? `customer:${describeName(name)}` : `collection:${transaction}`
}

function describeBankNumber(text: string): string {
  return `bank:${text
    .normalize('NFKC')
    .replace(/[\s./\p{Pd}]/gu, '')
    .toUpperCase()}`
}

function describeOpenid(text: string): string {
  return `openid:${text}`
}
