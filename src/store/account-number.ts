/**
 * Account numbers are sealed, and yet have to be found: a support call begins with one. Each partition keeps, under a
 * keyed digest of the number, the ids of the transfers to it. Without the key nobody can try numbers against it.
 *
 * A number is found however it is grouped: spaces, dots, slashes and hyphens do not count, nor does the case of
 * letters. Leading zeros do. An openid has no such freedom and is taken as it is.
 */
import type { Beneficiary } from '../domain/transfer.ts'

export function describeNumber(beneficiary: Beneficiary): string {
  return beneficiary.kind === 'bank'
    ? describeBankNumber(beneficiary.accountNumber)
    : describeOpenid(beneficiary.openid)
}

/** Everything that a text may be which somebody looks for. */
export function describeSearch(text: string): string[] {
  return [describeBankNumber(text), describeOpenid(text.trim())]
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
