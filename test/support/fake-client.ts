/** A provider's client that answers as a test tells it to, and a provider that reads its answers again. */
import type { Sighting } from '../../src/domain/observation.ts'
import type { Asked } from '../../src/domain/receipt.ts'
import type { AnswerPart, CallResult, Client, Order, Question } from '../../src/providers/client.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { testAccount } from './zenospay.ts'

export type OnOrder = (order: Order, signal?: AbortSignal) => CallResult | Promise<CallResult>
export type OnAsk = (question: Question, signal?: AbortSignal) => CallResult | Promise<CallResult>

export interface FakeClient {
  client: Client
  orders: Order[]
  questions: Question[]
  onOrder: OnOrder
  onAsk: OnAsk
}

export const account = testAccount.id

const zenospayLike = {
  orders: new Set<Order['call']>(['reserve', 'pay']),
  questions: new Set<Question['call']>(['transfer']),
  reservationMs: 30 * 60_000,
}
const wechatLike = {
  orders: new Set<Order['call']>(['pay-batch', 'grant']),
  questions: new Set<Question['call']>(['batch', 'batch-page', 'transfer', 'coupon']),
}

export function createFakeClient(like: 'zenospay' | 'wechatpay' = 'zenospay'): FakeClient {
  const fake: FakeClient = {
    orders: [],
    questions: [],
    onOrder: like === 'zenospay' ? acceptLikeZenospay : acceptLikeWechat,
    onAsk: () => ({ outcome: 'not-known' }),
    client: {
      ...(like === 'zenospay' ? zenospayLike : wechatLike),
      async order(order, signal) {
        fake.orders.push(order)
        return fake.onOrder(order, signal)
      },
      async ask(question, signal) {
        fake.questions.push(question)
        return fake.onAsk(question, signal)
      },
    },
  }
  return fake
}

/** Reads what `saying` made, whichever way it came. */
export function createFakeProvider(fake: FakeClient): AccountProvider {
  return {
    ...createZenospay(testAccount),
    client: fake.client,
    translate: (body, asked) => {
      const observation = JSON.parse(body.toString(), (_, value: unknown) =>
        typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
      ) as Sighting
      if (observation.kind === 'submission' && asked?.again) observation.again = true
      return { outcome: 'understood', observation }
    },
  }
}

export function bytesOf(seen: Sighting): Buffer {
  return Buffer.from(
    JSON.stringify(seen, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
  )
}

export function partOf(seen: Sighting, call = 'call'): AnswerPart {
  const source = seen.source === 'submission' ? 'submission' : 'query'
  const reference = 'reference' in seen ? seen.reference : ''
  const asked: Asked = { source, call, status: 200, reference }
  return { asked, body: bytesOf(seen), keyId: '', headers: {} }
}

export function saying(...seen: Sighting[]): CallResult {
  return { outcome: 'answered', parts: seen.map((one) => partOf(one)) }
}

type SubmissionSighting = Extract<Sighting, { kind: 'submission' }>

export function submissionOf(
  fields: Partial<SubmissionSighting> & Pick<SubmissionSighting, 'status' | 'reference'>,
): SubmissionSighting {
  return { kind: 'submission', of: 'transfer', source: 'submission', account, ...fields }
}

export function transferSeen(
  reference: string,
  status: 'processing' | 'succeeded' | 'failed' | 'returned',
  fields: Partial<Extract<Sighting, { kind: 'transfer' }>> = {},
): Sighting {
  return { kind: 'transfer', source: 'query', account, reference, status, ...fields }
}

export function batchSeen(
  reference: string,
  status: 'accepted' | 'processing' | 'finished' | 'closed',
  source: 'query' | 'submission' = 'query',
  fields: { providerReference?: string } = {},
): Sighting {
  return { kind: 'batch', source, account, reference, status, ...fields }
}

export function refusedWith(
  remedy: 'same' | 'ask' | 'operator' | 'failed',
  seen?: Sighting,
  code = 'CODE',
): CallResult {
  return { outcome: 'refused', remedy, code, ...(seen && { part: partOf(seen) }) }
}

export const unknown: CallResult = { outcome: 'unknown', because: 'It timed out.' }
export const unsent: CallResult = { outcome: 'unsent', because: 'Nothing left.' }
export const never = () => new Promise<CallResult>(() => {})

/** The name is John Doe's, as `test/support/store.ts` registers it. */
export const acceptLikeZenospay: OnOrder = (order) =>
  order.call === 'reserve'
    ? saying(
        submissionOf({
          status: 'reserved',
          reference: order.reference,
          providerReference: `inquiry-${order.reference}`,
          payee: { kind: 'bank', name: 'John Doe' },
          validUntil: Date.now() + 30 * 60_000,
        }),
      )
    : saying(submissionOf({ status: 'acknowledged', reference: order.reference }))

export const acceptLikeWechat: OnOrder = (order) =>
  order.call === 'grant'
    ? saying({
        kind: 'coupon-grant',
        source: 'submission',
        account,
        reference: order.reference,
        status: 'granted',
        couponNumber: `number-${order.reference}`,
      })
    : saying(batchSeen(order.reference, 'accepted', 'submission'))
