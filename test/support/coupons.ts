/** Coupons, and a provider that says of them, and of pay-ins, whatever a test's callback holds as JSON. */
import type { Coupon, CouponSecrets } from '../../src/domain/coupon.ts'
import { grantElsewhere, registerCoupon } from '../../src/domain/decide-coupon.ts'
import type { Sighting } from '../../src/domain/observation.ts'
import { describePerson } from '../../src/domain/person.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { aliasIdOf, couponIdOf } from '../../src/store/ids.ts'
import type { Registration } from '../../src/store/register.ts'
import { createTestReconcile, digestPerson, receiptOf, type TestStore } from './store.ts'
import { newReference } from './zenospay.ts'

export const account = 'wx-test'
export const cny = (minor: bigint) => ({ minor, currency: 'CNY' })

export const numberIdOf = (number: string) => aliasIdOf('coupon', account, number)

/** What registers one, as a program would write it. */
export const couponRequest = (fields: Record<string, unknown> = {}) => ({
  account,
  reference: newReference(),
  stockId: '9856000',
  openid: 'o-1',
  appid: 'wx233544546545989',
  amount: { value: '10.00', currency: 'CNY' },
  name: '张三',
  idCard: '11010119900101001X',
  ...fields,
})

const holder: CouponSecrets = { openid: 'o-1', name: '张三', idCard: '11010119900101001X' }

export async function registrationOfCoupon(
  { vault }: Pick<TestStore, 'vault'>,
  reference: string,
  fields: Partial<Coupon> = {},
  hasAmount = true,
) {
  const now = Date.now()
  const id = couponIdOf(account, reference)
  const person = digestPerson(describePerson('wechatpay', holder.openid))
  const { couponNumber, ...rest } = fields
  const { fact, intent } = registerCoupon(
    {
      id,
      account,
      reference,
      stockId: '9856000',
      appid: 'wx233544546545989',
      ...(hasAmount && { amount: cny(1000n) }),
      personal: await vault.sealSecrets(id, person, holder),
      contentDigest: 'digest',
      ...rest,
    },
    now,
  )
  const more = couponNumber === undefined ? [] : [grantElsewhere(intent, couponNumber, now)]
  return { event: { fact, intent, because: { source: 'registration' as const }, at: now }, more }
}

export async function registerCouponIn(
  store: Pick<TestStore, 'vault' | 'register'>,
  reference: string,
  fields?: Partial<Coupon>,
  hasAmount?: boolean,
): Promise<Registration<Coupon>> {
  const { event, more } = await registrationOfCoupon(store, reference, fields, hasAmount)
  return store.register(event, more)
}

export async function findCoupon(store: Pick<TestStore, 'intents'>, reference: string): Promise<Coupon> {
  const found = await store.intents.find(couponIdOf(account, reference))
  if (found?.kind !== 'coupon') throw new Error(`There is no coupon ${reference}.`)
  return found
}

const anyBody = { contentType: 'application/json', body: '{}' }

const provider: AccountProvider = {
  account,
  provider: 'wechatpay',
  budgetMs: 1_000,
  verify: () => ({ outcome: 'refused', reason: 'signature-wrong', digest: '' }),
  translate: (body) => {
    const { n: _, ...observation } = JSON.parse(body.toString(), (key, value) =>
      key === 'minor' ? BigInt(value) : value,
    ) as Sighting & { n: number }
    return { outcome: 'understood', observation: observation as Sighting }
  },
  accepted: anyBody,
  keyIds: () => [],
}

let count = 0

/** As a callback: each in bytes of its own, unless it is handed on as it is. */
export function receiptSaying(observation: Sighting): Receipt {
  const text = JSON.stringify({ ...observation, n: count++ }, (_, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return receiptOf(text, { account })
}

export function useOf(
  couponNumber: string,
  transaction: string,
  minor: bigint,
  fields: { stockId?: string; currency?: string } = {},
): Receipt {
  return receiptSaying({
    kind: 'coupon-use',
    source: 'callback',
    account,
    couponNumber,
    stockId: fields.stockId ?? '9856000',
    transaction,
    amount: { minor, currency: fields.currency ?? 'CNY' },
    occurredAt: Date.parse('2026-01-10T00:55:00+08:00'),
  })
}

export function grantOf(reference: string, couponNumber?: string, status: 'granted' | 'failed' = 'granted') {
  const about = { kind: 'coupon-grant', source: 'submission', account, reference, status } as const
  return receiptSaying({ ...about, ...(couponNumber !== undefined && { couponNumber }) })
}

/** `payment.completed`, as it is translated. */
export function payInOf(
  transaction: string,
  fields: {
    reference?: string
    minor?: bigint
    currency?: string
    fee?: bigint | undefined
    rrn?: string
    occurredAt?: number
    customerName?: string | undefined
  } = {},
): Receipt {
  const { reference = 'order-1', minor = 1000000n, currency = 'IDR', rrn } = fields
  const { occurredAt = Date.parse('2026-01-10T00:55:00+07:00') } = fields
  const { fee, customerName } = { fee: 5000n, customerName: 'Budi', ...fields }
  return receiptSaying({
    kind: 'collection',
    source: 'callback',
    account,
    transaction,
    reference,
    amount: { minor, currency },
    ...(fee !== undefined && { fee: { minor: fee, currency } }),
    net: { minor: 995000n, currency },
    channel: 'BCA',
    ...(rrn !== undefined && { rrn }),
    occurredAt,
    secrets: customerName === undefined ? {} : { customerName },
  })
}

export const sayingProviders: ReadonlyMap<string, AccountProvider> = new Map([[account, provider]])

export function createSayingReconcile(store: Pick<TestStore, 'intents' | 'vault'>) {
  return createTestReconcile(store, { providers: sayingProviders })
}
