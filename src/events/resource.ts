/** An intent as the API and the events show it. The schemas are what documents and clients are made from. */
import type { BatchTotals } from '../domain/batch.ts'
import type { CollectionSecrets } from '../domain/collection.ts'
import type { CouponSecrets } from '../domain/coupon.ts'
import type { Intent } from '../domain/intent.ts'
import type { TransferSecrets } from '../domain/transfer.ts'
import { type BatchResource, presentBatch } from './batch-resource.ts'
import { type CollectionResource, presentCollection } from './collection-resource.ts'
import { type CouponResource, presentCoupon } from './coupon-resource.ts'
import { presentTransfer, type TransferResource } from './transfer-resource.ts'

export type IntentResource = TransferResource | BatchResource | CouponResource | CollectionResource

/** `secrets`: what is sealed of it, opened; undefined where it was erased. */
export function presentIntent(intent: Intent, secrets: unknown, totals?: BatchTotals): IntentResource {
  switch (intent.kind) {
    case 'transfer':
      return presentTransfer(intent, secrets as TransferSecrets | undefined)
    case 'batch':
      return presentBatch(intent, totals)
    case 'coupon':
      return presentCoupon(intent, secrets as CouponSecrets | undefined)
    case 'collection':
      return presentCollection(intent, secrets as CollectionSecrets | undefined)
  }
}
