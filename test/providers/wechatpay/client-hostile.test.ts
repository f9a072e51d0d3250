/** Whatever comes back: nothing makes the client throw, and nothing but what WeChat Pay signed is an answer. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Exchange, Question } from '../../../src/providers/client.ts'
import { translateAnswer } from '../../../src/providers/wechatpay/translate-answer.ts'
import { assertSound } from '../../support/translation.ts'
import {
  acceptedBatch,
  answerOf,
  batchAnswer,
  callingAccount,
  couponAnswer,
  createTestClient,
  detailAnswer,
  grant,
  payBatch,
  signedAnswer,
  signHeaders,
} from '../../support/wechatpay-answers.ts'

const questions: Question[] = [
  { call: 'batch', reference: 'plfk2020042013' },
  { call: 'batch-page', reference: 'plfk2020042013', from: 0 },
  { call: 'transfer', reference: 'x23zy545Bd5436', batch: 'plfk2020042013' },
  { call: 'coupon', reference: 'grant1', couponNumber: '98674556', openid: 'o-1', appid: 'wx1' },
]
const page = {
  ...batchAnswer,
  transfer_detail_list: [{ detail_id: 'd-1', out_detail_no: 'detail1', detail_status: 'SUCCESS' }],
}
const answers = [acceptedBatch, { coupon_id: '98674556' }, batchAnswer, page, detailAnswer, couponAnswer]

async function callAll(exchange: Exchange) {
  const client = createTestClient(() => exchange)
  const orders = [payBatch({ transfers: payBatch().transfers.slice(1) }), grant()]
  return Promise.all([...orders.map((one) => client.order(one)), ...questions.map((one) => client.ask(one))])
}

const statusOf = fc.constantFrom(200, 200, 200, 204, 301, 400, 401, 403, 404, 429, 500, 502)

/** An answer with one of its fields of another kind. */
const mangled = fc.tuple(fc.constantFrom(...answers), fc.nat(), fc.jsonValue()).map(([answer, at, value]) => {
  const names = Object.keys(answer)
  return { ...answer, [names[at % names.length] ?? '']: value }
})

describe('wechatpay answers of any kind', () => {
  it('never make a call throw, and give parts that are sound', async () => {
    await fc.assert(
      fc.asyncProperty(statusOf, fc.oneof(fc.json(), fc.string(), mangled), async (status, content) => {
        for (const result of await callAll(signedAnswer(status, content))) {
          const parts = result.outcome === 'answered' ? result.parts : []
          for (const { body, asked } of parts) {
            const translation = translateAnswer(callingAccount, body, asked)
            assert.equal(translation.outcome, 'understood')
            assertSound(translation)
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  it('are answers to nothing without a signature', async () => {
    await fc.assert(
      fc.asyncProperty(
        statusOf,
        fc.constantFrom(...answers, { code: 'PARAM_ERROR' }, { code: 'NOT_FOUND' }),
        async (status, content) => {
          const body = Buffer.from(JSON.stringify(content))
          for (const { outcome } of await callAll(answerOf(status, body, {})))
            assert.equal(outcome, 'unknown')
        },
      ),
      { numRuns: 30 },
    )
  })

  it('are none with one byte changed, in body or signature', async () => {
    const cases = [acceptedBatch, batchAnswer, { code: 'PARAM_ERROR' }, { code: 'NOT_FOUND' }]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...cases),
        fc.constantFrom(200, 400, 404),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (content, status, at, change, inBody) => {
          const body = Buffer.from(JSON.stringify(content))
          const headers = signHeaders(body)
          const bytes = inBody ? body : Buffer.from(headers['wechatpay-signature'] ?? '', 'base64')
          const place = at % bytes.length
          bytes[place] = (bytes[place] ?? 0) ^ change
          if (!inBody) headers['wechatpay-signature'] = bytes.toString('base64')
          for (const { outcome } of await callAll(answerOf(status, body, headers)))
            assert.equal(outcome, 'unknown')
        },
      ),
      { numRuns: 100 },
    )
  })

  it('to one call answer no other', async () => {
    const names = await Promise.all(
      answers.map(async (answer) => (await callAll(signedAnswer(200, answer))).map(({ outcome }) => outcome)),
    )
    const [order, coupon, batch, asPage, detail, asCoupon] = names.map((outcomes) =>
      outcomes.map((outcome) => (outcome === 'answered' ? 1 : 0)).join(''),
    )
    // A page is a batch with its transfers beside it, and what describes a batch or a coupon repeats what was answered to
    // its order; the calls have different addresses, and each is asked about by our own number.
    assert.deepEqual([order, coupon, detail], ['100000', '010001', '100010'])
    assert.deepEqual([batch, asPage, asCoupon], ['101100', '101100', '010001'])
  })

  it('are read again from what is kept, whatever that is', () => {
    const asked = fc.record({
      source: fc.constantFrom('query' as const, 'submission' as const),
      call: fc.constantFrom(
        'pay-batch',
        'grant',
        'batch',
        'batch-page',
        'transfer',
        'coupon',
        'pay',
        'constructor',
      ),
      status: fc.constantFrom(0, 200, 400, 404, 500),
      reference: fc.constantFrom('plfk2020042013', 'x23zy545Bd5436', 'grant1'),
      batch: fc.constant('plfk2020042013'),
    })
    fc.assert(
      fc.property(
        asked,
        fc.oneof(
          mangled.map((value) => JSON.stringify(value)),
          fc.json(),
          fc.string(),
        ),
        (about, text) => assertSound(translateAnswer(callingAccount, Buffer.from(text), about)),
      ),
      { numRuns: 500 },
    )
  })
})
