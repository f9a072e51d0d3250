/** Whatever a server answers, it is a result, and what becomes a receipt can be read again. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { CallResult, Order, Question } from '../../../src/providers/client.ts'
import { translateAnswer } from '../../../src/providers/zenospay/translate-answer.ts'
import { assertSound } from '../../support/translation.ts'
import { testAccount } from '../../support/zenospay.ts'
import {
  answered,
  createCalling,
  paymentStatus,
  payOrder,
  payoutStatus,
  reservation,
  reserveOrder,
} from '../../support/zenospay-client.ts'

const orders: Order[] = [reserveOrder, payOrder]
const questions: Question[] = [
  { call: 'transfer', reference: payoutStatus.merchant_transaction_id },
  { call: 'collection', reference: paymentStatus.merchant_transaction_id },
]
const status = fc.oneof(fc.constantFrom(200, 400, 401, 404, 429, 500), fc.integer({ min: 100, max: 599 }))
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .record({ status: fc.oneof(fc.boolean(), fc.jsonValue()), message: fc.jsonValue(), data: fc.jsonValue() })
    .map((value) => Buffer.from(JSON.stringify(value))),
)

async function giveAll(code: number, body: Buffer): Promise<CallResult[]> {
  const { provider, client } = createCalling(answered(code, body))
  const results = [
    ...(await Promise.all(orders.map((order) => client.order(order)))),
    ...(await Promise.all(questions.map((question) => client.ask(question)))),
  ]
  await client.balance?.()
  for (const result of results) {
    const parts =
      result.outcome === 'answered' ? result.parts : 'part' in result && result.part ? [result.part] : []
    for (const { body: kept, asked } of parts) {
      const translation = provider.translate(kept, asked)
      assert.equal(translation.outcome, 'understood')
      assertSound(translation)
    }
  }
  return results
}

describe('zenospay answers of any kind', () => {
  it('are results, and never throw', async () => {
    await fc.assert(fc.asyncProperty(status, bytes, async (code, body) => void (await giveAll(code, body))))
  })

  it('settle nothing by themselves where a field is anything at all', async () => {
    const examples = [reservation, payoutStatus, paymentStatus]
    const change = fc
      .constantFrom(...examples)
      .chain((example) =>
        fc.tuple(fc.constant(example), fc.constantFrom(...Object.keys(example)), fc.jsonValue()),
      )
    await fc.assert(
      fc.asyncProperty(change, async ([example, field, value]) => {
        const data = { ...example, [field]: value }
        await giveAll(200, Buffer.from(JSON.stringify({ status: true, data })))
      }),
    )
  })

  it('to an order are unknown unless they say yes or no', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 500, max: 599 }), bytes, async (code, body) => {
        const [reserve, pay] = await giveAll(code, body)
        assert.deepEqual([reserve?.outcome, pay?.outcome], ['unknown', 'unknown'])
      }),
    )
  })

  it('that are read again may be any bytes, of any call', () => {
    const call = fc.oneof(fc.constantFrom('reserve', 'pay', 'transfer', 'collection'), fc.string())
    const excerpt = fc
      .record({ askedAt: fc.jsonValue(), answer: fc.oneof(fc.json(), fc.string()), problems: fc.jsonValue() })
      .map((value) => Buffer.from(JSON.stringify(value)))
    fc.assert(
      fc.property(call, status, fc.oneof(bytes, excerpt), (named, code, body) =>
        assertSound(
          translateAnswer(testAccount, body, { source: 'query', call: named, status: code, reference: 'r' }),
        ),
      ),
    )
  })
})
