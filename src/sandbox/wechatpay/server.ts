/**
 * A make-believe WeChat Pay: the calls of partner transfers, multi-use coupons and certificates, as strict as its documents
 * are, under real keys. It pays nobody.
 */
import { generateKeyPairSync } from 'node:crypto'
import express, { type Router } from 'express'
import type { Logger } from '../../telemetry/logger.ts'
import type { Fates } from '../fates.ts'
import { createSend } from './answer.ts'
import type { Merchant } from './authorisation.ts'
import { announceBatches, type BatchCalls, createBatchCalls } from './batch-calls.ts'
import { createCallbacks } from './callbacks.ts'
import { createCertificateCall } from './certificate-calls.ts'
import { announceUses, type CouponCalls, createCouponCalls } from './coupon-calls.ts'
import type { FixedStocks } from './coupon-order.ts'
import { createHandle } from './handle.ts'
import type { FateOf } from './plan.ts'
import { issueCertificate, type Platform } from './platform.ts'
import { createRate, documentedRates } from './rate.ts'
import { describeState, type WechatpayState } from './state.ts'
import { createTurns } from './turn.ts'

export interface WechatpaySandboxDeps {
  merchant: Merchant
  apiV3Key: Uint8Array
  platform: Platform
  fates: Fates
  /** Where the merchant registered to be called. */
  callbackUrl: string
  callbacksOn: () => boolean
  /** Partner mode has no callbacks for batches; these are sent where somebody wants to see that they are borne with. */
  batchCallbacks?: boolean | undefined
  /** Stocks whose coupons are all worth the same, in fen. */
  fixedStocks?: FixedStocks | undefined
  retryMs?: readonly number[] | undefined
  rates?: typeof documentedRates | undefined
  clock: () => number
  fetch: typeof fetch
  logger: Logger
}

export interface WechatpaySandbox {
  /** With the whole paths, from `/v3` on. */
  router: Router
  state(): WechatpayState
  /** Waits for no more callbacks. */
  stop(): void
}

/** Three thousand transfers with names and card numbers encrypted. */
const bodyMax = '8mb'
/** A list that grows without end is not what anybody wants to try. */
const certificatesMax = 5

export function createWechatpaySandbox(deps: WechatpaySandboxDeps): WechatpaySandbox {
  const { merchant, platform, clock } = deps
  const { mchid } = merchant
  const fateOf: FateOf = (number, amount) => deps.fates.fateOf('wechatpay', number, BigInt(amount))
  const callbacks = createCallbacks(deps)
  const shared = { mchid, find: platform.find, fateOf, turns: createTurns(), clock }
  const announce = { callbacks, mchid, fateOf, clock }
  const announceBatch = announceBatches(announce)
  const announceUse = announceUses(announce)

  function rotateKeys(number: string, amount: number): void {
    const held = platform.certificates()
    if (!fateOf(number, amount).has('key-rotation') || held.length === 0) return
    if (held.length >= certificatesMax) return
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    platform.rotate(issueCertificate(nextSerial(held), privateKey, clock()))
  }

  const batches = createBatchCalls({
    ...shared,
    merchantPublicKey: merchant.publicKey,
    taken: (batch) => {
      rotateKeys(batch.order.out_batch_no, batch.order.total_amount)
      if (deps.batchCallbacks) announceBatch(batch)
    },
  })
  const coupons = createCouponCalls({
    ...shared,
    fixedStocks: deps.fixedStocks ?? new Map(),
    granted: (coupon) => {
      rotateKeys(coupon.order.out_request_no, coupon.order.amount)
      return announceUse(coupon)
    },
  })
  return {
    router: createRouter(deps, batches, coupons),
    state: () => describeState(batches.all(), coupons.all(), clock()),
    stop: callbacks.stop,
  }
}

function createRouter(deps: WechatpaySandboxDeps, batches: BatchCalls, coupons: CouponCalls): Router {
  const { platform, clock } = deps
  const send = createSend(platform, clock)
  const rate = createRate(clock, deps.rates ?? documentedRates)
  const handle = createHandle({ ...deps, rate, send })
  const router = express.Router({ caseSensitive: true })
  const root = '/v3/partner-transfer/batches'
  router.use(express.raw({ type: () => true, limit: bodyMax }))
  router.post(root, handle('batches', batches.order))
  router.get(`${root}/batch-id/:batch_id`, handle('batch-query', batches.batch('batch_id')))
  router.get(
    `${root}/out-batch-no/:out_batch_no`,
    handle('batch-query-by-number', batches.batch('out_batch_no')),
  )
  router.get(
    `${root}/batch-id/:batch_id/details/detail-id/:detail_id`,
    handle('detail-query', batches.detail('batch_id')),
  )
  router.get(
    `${root}/out-batch-no/:out_batch_no/details/out-detail-no/:out_detail_no`,
    handle('detail-query-by-number', batches.detail('out_batch_no')),
  )
  router.post('/v3/multiuse/users/:openid/coupons', handle('coupons', coupons.order))
  router.get('/v3/marketing/favor/users/:openid/coupons/:coupon_id', handle('coupon-query', coupons.coupon))
  router.get('/v3/certificates', handle('certificates', createCertificateCall(platform, deps.apiV3Key)))
  return router
}

/** Another for each, and the same in each run. */
function nextSerial(held: readonly { serial: string }[]): string {
  const last = held.at(-1)?.serial ?? '0'
  return (BigInt(`0x${last}`) + 1n).toString(16).toUpperCase()
}
