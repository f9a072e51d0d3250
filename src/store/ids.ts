/**
 * Ids are derived from account and reference. So both lead to the record without a pointer, and the same reference cannot
 * be registered twice under two ids. A batch's transfers take their first letters, and with them their place, from the
 * batch.
 */
import { hash } from 'node:crypto'
import {
  type AliasId,
  type BatchId,
  type CollectionId,
  type CouponId,
  encodeBytes,
  type IntentId,
  type TransferId,
} from '../domain/ids.ts'
import type { IntentKind } from '../domain/intent.ts'
import type { Observation, SubmissionObservation } from '../domain/observation.ts'

const letters = 26
const homeLetters = 4

const prefixes = { transfer: 'tr', batch: 'ba', coupon: 'co', collection: 'pi' } as const satisfies Record<
  IntentKind,
  string
>

export const transferIdOf = (account: string, reference: string) =>
  derive('transfer', account, reference) as TransferId
export const batchIdOf = (account: string, reference: string) =>
  derive('batch', account, reference) as BatchId
export const couponIdOf = (account: string, reference: string) =>
  derive('coupon', account, reference) as CouponId
/** By the provider's number: nobody registers a pay-in. */
export const collectionIdOf = (account: string, transaction: string) =>
  derive('collection', account, transaction) as CollectionId

/** Of a transfer in a batch. */
export function memberIdOf(batch: BatchId, reference: string): TransferId {
  const home = batch.slice(3, 3 + homeLetters)
  return `tr-${home}${digest('member', batch, reference).slice(homeLetters)}` as TransferId
}

/** A provider's own number, where it leads to an intent of ours; or our reference, where it leads to several pay-ins. */
export function aliasIdOf(kind: 'coupon' | 'payout' | 'collections', account: string, name: string): AliasId {
  return `al-${digest(kind, account, name)}` as AliasId
}

/** Where what is observed belongs: an intent, or the name that leads to it. */
export function targetOf(seen: Observation): IntentId | AliasId {
  switch (seen.kind) {
    case 'transfer':
      return seen.batch === undefined
        ? transferIdOf(seen.account, seen.reference)
        : memberIdOf(batchIdOf(seen.account, seen.batch), seen.reference)
    case 'batch':
      return batchIdOf(seen.account, seen.reference)
    case 'submission':
      return targetOfSubmission(seen)
    case 'coupon-grant':
      return couponIdOf(seen.account, seen.reference)
    case 'coupon-use':
      return aliasIdOf('coupon', seen.account, seen.couponNumber)
    case 'collection':
      return collectionIdOf(seen.account, seen.transaction)
  }
}

function targetOfSubmission({ of, account, reference, batch }: SubmissionObservation): IntentId {
  if (of === 'batch') return batchIdOf(account, reference)
  if (of === 'coupon') return couponIdOf(account, reference)
  return batch === undefined
    ? transferIdOf(account, reference)
    : memberIdOf(batchIdOf(account, batch), reference)
}

export const readTransferId = (text: string) => read<TransferId>('transfer', text)
export const readBatchId = (text: string) => read<BatchId>('batch', text)
export const readCouponId = (text: string) => read<CouponId>('coupon', text)
export const readCollectionId = (text: string) => read<CollectionId>('collection', text)

export function kindOf(id: IntentId): IntentKind {
  const found = Object.entries(prefixes).find(([, prefix]) => id.startsWith(`${prefix}-`))
  return (found?.[0] ?? 'transfer') as IntentKind
}

function read<Id extends string>(kind: IntentKind, text: string): Id | undefined {
  return new RegExp(`^${prefixes[kind]}-[0-9a-hjkmnp-tv-z]{${letters}}$`).test(text)
    ? (text as Id)
    : undefined
}

function derive(kind: IntentKind, account: string, name: string): string {
  return `${prefixes[kind]}-${digest(kind, account, name)}`
}

function digest(kind: string, account: string, name: string): string {
  // The lengths keep ("a", "bc") and ("ab", "c") apart.
  const text = `${kind}:${account.length}:${account}:${name}`
  return encodeBytes(hash('sha256', text, 'buffer').subarray(0, 20)).slice(0, letters)
}
