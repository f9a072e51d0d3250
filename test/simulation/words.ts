/** What a callback of the simulation says, and the provider that reads it. */
import type { BatchFigures } from '../../src/domain/batch.ts'
import type { ObservedBatchStatus, ObservedStatus, Sighting } from '../../src/domain/observation.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { batchIdOf, couponIdOf, memberIdOf, transferIdOf } from '../../src/store/ids.ts'
import { account } from '../model/things.ts'

/** The transfers by themselves; the last is never registered. Those of the batch. Pay-ins, by the provider's number. */
export const loneTransfers = ['t0', 't1', 't2'] as const
export const ghost = 'ghost'
export const members = ['m0', 'm1', 'm2'] as const
export const batchName = 'b0'
export const couponName = 'c0'
export const amountOf = (name: string) => 10_000n + BigInt(name.charCodeAt(name.length - 1))
export const couponWorth = 300n

export interface TransferWords {
  kind: 'transfer'
  to: string
  status: ObservedStatus
  /** Off the registered amount by so much; missing where nothing is said of it. */
  off?: number
  currency?: string
  person?: 'own' | 'spelled' | 'other'
  name?: 'own' | 'spelled' | 'other'
  number?: 'own' | 'other' | 'shared'
  /** In seconds. */
  at?: number
  fee?: number
  reason?: string
}

export interface BatchWords {
  kind: 'batch'
  status: ObservedBatchStatus
  figures?: 'right' | 'wrong-count'
  at?: number
}

export interface GrantWords {
  kind: 'coupon-grant'
  status: 'granted' | 'failed'
  number?: 'own' | 'other'
}

export interface UseWords {
  kind: 'coupon-use'
  transaction: string
  minor: number
  currency?: string
}

export interface CollectionWords {
  kind: 'collection'
  transaction: string
  reference: string
  minor: number
  currency?: string
  name?: 'own' | 'spelled' | 'other'
}

export interface Junk {
  kind: 'junk'
}

export type Words = TransferWords | BatchWords | GrantWords | UseWords | CollectionWords | Junk

export const references = (seed: number) => (name: string) => `${name}-${seed}`

/** Where it belongs. */
export function idsOf(seed: number) {
  const of = references(seed)
  const batch = batchIdOf(account, of(batchName))
  return {
    batch,
    coupon: couponIdOf(account, of(couponName)),
    transfer: (name: string) =>
      members.includes(name as 'm0') ? memberIdOf(batch, of(name)) : transferIdOf(account, of(name)),
  }
}

export function numberOf(name: string, which: 'own' | 'other' | 'shared'): string {
  return which === 'shared' ? 'P-shared' : `P-${name}-${which}`
}

export const accountNumbers = { own: '123-4-56789', spelled: '1234 56789', other: '999999999' }
export const names = { own: 'John Doe', spelled: 'JOHN  doe', other: 'Jane Roe' }
export const couponNumbers = { own: 'N-1', other: 'N-2' }

const money = (minor: bigint, currency = 'THB') => ({ minor, currency })

function sight(words: Words, of: (name: string) => string): Sighting | undefined {
  const base = { source: 'callback' as const, account }
  switch (words.kind) {
    case 'junk':
      return undefined
    case 'transfer':
      return { ...base, ...sightTransfer(words, of) }
    case 'batch':
      return {
        ...base,
        kind: 'batch',
        reference: of(batchName),
        status: words.status,
        ...(words.figures && { figures: figuresOf(words.figures) }),
        ...(words.at !== undefined && { occurredAt: words.at * 1000 }),
      }
    case 'coupon-grant':
      return {
        ...base,
        kind: 'coupon-grant',
        reference: of(couponName),
        status: words.status,
        ...(words.number && { couponNumber: couponNumbers[words.number] }),
      }
    case 'coupon-use':
      return {
        ...base,
        kind: 'coupon-use',
        couponNumber: couponNumbers.own,
        stockId: 'stock',
        transaction: words.transaction,
        amount: money(BigInt(words.minor), words.currency),
        occurredAt: 5_000,
      }
    case 'collection':
      return {
        ...base,
        kind: 'collection',
        transaction: of(words.transaction),
        reference: words.reference,
        amount: money(BigInt(words.minor), words.currency),
        secrets: words.name ? { customerName: names[words.name] } : {},
      }
  }
}

function sightTransfer(words: TransferWords, of: (name: string) => string) {
  const { to, status, off, currency, person, name, number, at, fee, reason } = words
  return {
    kind: 'transfer' as const,
    reference: of(to),
    ...(members.includes(to as 'm0') && { batch: of(batchName) }),
    status,
    ...(off !== undefined && { amount: money(amountOf(to) + BigInt(off), currency) }),
    ...((person || name) && {
      payee: {
        kind: 'bank' as const,
        ...(person && { number: accountNumbers[person] }),
        ...(name && { name: names[name] }),
      },
    }),
    ...(number && { providerReference: numberOf(to, number) }),
    ...(at !== undefined && { occurredAt: at * 1000 }),
    ...(fee !== undefined && { fee: money(BigInt(fee)) }),
    ...(reason !== undefined && { failure: { code: 'unknown' as const, reason } }),
  }
}

function figuresOf(which: 'right' | 'wrong-count'): BatchFigures {
  return { count: which === 'right' ? members.length : members.length + 1 }
}

/** `nonce`: the same words in other bytes. */
export function bodyOf(words: Words, nonce: number): Buffer {
  return Buffer.from(JSON.stringify({ ...words, nonce }))
}

export function createSimulatedProvider(seed: number): AccountProvider {
  const of = references(seed)
  return {
    account,
    provider: 'generic',
    budgetMs: 1_000,
    verify: () => ({ outcome: 'refused', reason: 'signature-missing', digest: '' }),
    translate(body) {
      const { nonce: _, ...words } = JSON.parse(body.toString()) as Words & { nonce: number }
      const observation = sight(words as Words, of)
      return observation
        ? { outcome: 'understood', observation }
        : { outcome: 'not-understood', reason: 'It is junk.' }
    },
    accepted: { contentType: 'text/plain', body: 'ok' },
    keyIds: () => [],
  }
}
