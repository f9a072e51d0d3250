/** Requests as they are to be made: which address, which bytes, under which limit. */
import type { Question } from '../client.ts'
import type { PlatformKey } from './account.ts'
import type { Grant, PayBatch } from './check-order.ts'
import { writeGrant, writePayBatch } from './order-body.ts'
import {
  batchesPath,
  batchPagePath,
  batchPath,
  couponPath,
  detailPath,
  fitsPath,
  grantPath,
} from './paths.ts'
import type { Draft } from './send.ts'

export async function draftOrder(order: PayBatch | Grant, key: PlatformKey): Promise<Draft> {
  const method = 'POST'
  if (order.call === 'grant')
    return { method, path: grantPath(order.openid), body: writeGrant(order, key), bucket: 'coupons' }
  return { method, path: batchesPath, body: await writePayBatch(order, key), bucket: 'batches' }
}

/** Undefined where it has no address there: a transfer by itself, a pay-in, a number that would lead elsewhere. */
export function draftQuestion(question: Question): Draft | undefined {
  const method = 'GET'
  if (!fitsPath(question.reference)) return undefined
  switch (question.call) {
    case 'batch':
      return { method, path: batchPath(question.reference), bucket: 'batch-queries' }
    case 'batch-page':
      return { method, path: batchPagePath(question.reference, question.from), bucket: 'batch-queries' }
    case 'transfer': {
      const { batch, reference } = question
      if (batch === undefined || !fitsPath(batch)) return undefined
      return { method, path: detailPath(batch, reference), bucket: 'detail-queries' }
    }
    case 'coupon': {
      const { openid, couponNumber, appid } = question
      if (!fitsPath(openid) || !fitsPath(couponNumber)) return undefined
      return { method, path: couponPath(openid, couponNumber, appid), bucket: 'coupon-queries' }
    }
    case 'collection':
      return undefined
  }
}

/** The same by WeChat Pay's own numbers, under the same limits; undefined where they are not known. */
export function draftByTheirNumber(question: Question): Draft | undefined {
  const method = 'GET'
  const batch = 'batchNumber' in question ? question.batchNumber : undefined
  if (batch === undefined || !fitsPath(batch)) return undefined
  switch (question.call) {
    case 'batch':
      return { method, path: batchPath(batch, 'theirs'), bucket: 'batch-queries' }
    case 'batch-page':
      return { method, path: batchPagePath(batch, question.from, 'theirs'), bucket: 'batch-queries' }
    case 'transfer': {
      const { number } = question
      if (number === undefined || !fitsPath(number)) return undefined
      return { method, path: detailPath(batch, number, 'theirs'), bucket: 'detail-queries' }
    }
    case 'coupon':
    case 'collection':
      return undefined
  }
}
