/** Multi-use coupons that we grant, or that were granted elsewhere and are registered with their number. */
import { Router } from 'express'
import type { Coupon, CouponSecrets } from '../../domain/coupon.ts'
import { grantElsewhere, registerCoupon } from '../../domain/decide-coupon.ts'
import { AppError } from '../../domain/errors.ts'
import { describePerson } from '../../domain/person.ts'
import { waitingSince } from '../../domain/submission.ts'
import { couponSchema, presentCoupon } from '../../events/coupon-resource.ts'
import { aliasIdOf, couponIdOf, readCouponId } from '../../store/ids.ts'
import type { Target } from '../../store/intents.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import {
  type CouponRequest,
  type CouponTerms,
  canonicalCoupon,
  couponRequestSchema,
} from './coupon-request.ts'
import { locationHeader, type Operation, pageOf } from './operation.ts'
import { createStart } from './start.ts'
import { byReferenceSchema, type RegistrationDeps } from './transfers.ts'
import { validate } from './validate.ts'

export interface CouponRoutesDeps extends Omit<RegistrationDeps, 'accounts' | 'batches'> {
  accounts: ReadonlyMap<string, CouponTerms>
}

interface Registered {
  coupon: Coupon
  created: boolean
}

export function createCouponRoutes(deps: CouponRoutesDeps): Router {
  const { intents, vault, logger } = deps
  const start = createStart(deps)
  const router = Router()
  const mayRead = requireScope(deps.authenticate, 'transfers:read')
  const mayWrite = requireScope(deps.authenticate, 'transfers:write')

  router.post('/coupons', mayWrite, async (req, res) => {
    const request = validate(couponRequestSchema(deps.accounts, req.body), req.body)
    const unavailable = deps.unavailable()
    if (unavailable) throw new AppError(unavailable)
    const { coupon, created } = await register(request, String(res.locals.principal))
    res
      .status(created ? 201 : 200)
      .location(`/v1/coupons/${coupon.id}`)
      .json(await present(coupon))
  })

  router.get('/coupons/:id', mayRead, async (req, res) => {
    const id = readCouponId(String(req.params.id))
    const coupon = id && (await find(id))
    if (!coupon) throw new AppError('not-found', { detail: 'There is no coupon with this id.' })
    res.json(await present(coupon))
  })

  router.get('/coupons', mayRead, async (req, res) => {
    const { account, reference } = validate(byReferenceSchema, req.query)
    const coupon = await find(couponIdOf(account, reference))
    res.json({ items: coupon ? [await present(coupon)] : [], next: null })
  })

  router.all('/coupons', allowOnly('GET', 'HEAD', 'POST'))
  router.all('/coupons/:id', allowOnly('GET', 'HEAD'))

  async function find(id: Target): Promise<Coupon | undefined> {
    const found = await intents.find(id)
    return found?.kind === 'coupon' ? found : undefined
  }

  async function present(coupon: Coupon) {
    return presentCoupon(coupon, await vault.openSecrets<CouponSecrets>(coupon))
  }

  async function register(request: CouponRequest, by: string): Promise<Registered> {
    const registered = await registerOnce(request)
    const { coupon } = registered
    if (!request.submit || coupon.submission) return registered
    // It was there before, and nobody had asked for this.
    const because = { source: 'registration', by } as const
    const started = await start<Coupon>(coupon.id, { force: false, because })
    return { ...registered, coupon: started?.intent ?? coupon }
  }

  async function registerOnce(request: CouponRequest): Promise<Registered> {
    await checkNumber(request)
    const { fact, intent } = await describe(request)
    const { providerReference: number } = request
    const because = { source: 'registration' } as const
    const at = intent.createdAt
    const more = number === undefined ? [] : [grantElsewhere(intent, number, at)]
    const result = await deps.register({ fact, intent, because, at }, more)
    if (result.outcome === 'claimed') throw new AppError('commit-contended')
    const { intent: coupon } = result
    if (result.outcome === 'exists') {
      if (coupon.contentDigest === intent.contentDigest) return { coupon, created: false }
      throw new AppError('reference-conflict', {
        detail: 'This reference is registered for the account with other content. Nothing was changed.',
      })
    }
    const { id, account } = coupon
    logger.info('coupon.registered', { couponId: id, account, madeReady: result.madeReady })
    // The workers look for what is ready by themselves; a failure here only makes it wait for them.
    if (result.madeReady > 0)
      await deps.pumpReady().catch((error) => logger.warn('ready.not-pumped', { error }))
    return { coupon, created: true }
  }

  /** Two that claim one number at the same moment get past this; then the one that comes second is held. */
  async function checkNumber({ account, reference, providerReference }: CouponRequest): Promise<void> {
    if (providerReference === undefined) return
    const holder = await find(aliasIdOf('coupon', account, providerReference))
    const id = couponIdOf(account, reference)
    if (!holder || holder.id === id || (await find(id))) return
    throw new AppError('invalid-request', {
      detail: 'The request is not valid; `errors` says where.',
      errors: [
        {
          path: 'providerReference',
          code: 'provider-reference-taken',
          message: `It is the number of ${holder.id}.`,
        },
      ],
    })
  }

  async function describe(request: CouponRequest) {
    const { account, reference, stockId, appid, amount, openid, name, idCard } = request
    const now = deps.clock()
    const id = couponIdOf(account, reference)
    const secrets: CouponSecrets = { openid, name, idCard }
    const person = deps.digestPerson(describePerson('wechatpay', openid))
    return registerCoupon(
      {
        id,
        account,
        reference,
        stockId,
        appid,
        ...(amount && { amount }),
        personal: await vault.sealSecrets(id, person, secrets),
        ...(request.submit && { submission: waitingSince(now, false) }),
        contentDigest: deps.digestContent(canonicalCoupon(request)),
      },
      now,
    )
  }

  return router
}

export const couponOperations: readonly Operation[] = [
  {
    id: 'registerCoupon',
    method: 'post',
    path: '/v1/coupons',
    tag: 'coupons',
    summary: 'Register a WeChat Pay coupon grant',
    description:
      'Idempotent on account and reference. With `submit` it is granted; with `providerReference` it was granted elsewhere and is only followed.',
    scope: 'transfers:write',
    // Which accounts there are, and their currencies, is no part of the form.
    body: couponRequestSchema(new Map(), {}),
    example: {
      account: 'wx-sp',
      reference: 'grant-20260512-0001',
      stockId: '9856888',
      openid: 'oLTPCuN5a-nBD4rAL_fa_q9m5gNo',
      appid: 'wx233544546545989',
      amount: { value: '100.00', currency: 'CNY' },
      name: '张三',
      idCard: '11010519491231002X',
      submit: true,
    },
    answers: {
      200: {
        description: 'It was registered before with this content',
        schema: couponSchema,
        headers: locationHeader,
      },
      201: { description: 'Registered', schema: couponSchema, headers: locationHeader },
    },
    problems: ['reference-conflict', 'cannot-submit', 'commit-contended'],
  },
  {
    id: 'getCoupon',
    method: 'get',
    path: '/v1/coupons/{id}',
    tag: 'coupons',
    summary: 'A coupon',
    scope: 'transfers:read',
    answers: { 200: { description: 'The coupon', schema: couponSchema } },
    problems: ['not-found'],
  },
  {
    id: 'findCoupon',
    method: 'get',
    path: '/v1/coupons',
    tag: 'coupons',
    summary: 'A coupon by its reference',
    scope: 'transfers:read',
    query: byReferenceSchema,
    answers: { 200: { description: 'It alone, or none', schema: pageOf(couponSchema) } },
  },
]
