import assert from 'node:assert/strict'
import type { FieldError } from '../../../src/domain/errors.ts'
import type { OrderedTransfer } from '../../../src/providers/client.ts'
import { checkGrant, checkPayBatch } from '../../../src/providers/wechatpay/check-order.ts'
import { translateAnswer } from '../../../src/providers/wechatpay/translate-answer.ts'
import { sightingOf } from '../../support/translation.ts'
import {
  callingAccount,
  cny,
  createTestClient,
  type Grant,
  grant,
  type PayBatch,
  payBatch,
} from '../../support/wechatpay-answers.ts'

const list = (faults: FieldError[]) => faults.map(({ path, code }) => `${path} ${code}`).sort()
const faultsOf = (fields: Partial<PayBatch>) => list(checkPayBatch(payBatch(fields)))
const ofGrant = (fields: Partial<Grant>) => list(checkGrant(grant(fields)))
const { terms } = payBatch()

const transfer = (fields: Partial<OrderedTransfer> = {}): OrderedTransfer => ({
  reference: 'detail1',
  amount: cny(100n),
  beneficiary: { kind: 'wechatpay', openid: 'o-1' },
  ...fields,
})
const one = (fields: Partial<OrderedTransfer>) => faultsOf({ transfers: [transfer(fields)] })
const payee = (fields: object) => one({ beneficiary: { kind: 'wechatpay', openid: 'o-1', ...fields } })

describe('wechatpay orders that would be refused', () => {
  it('are not those that are as they should be', () => {
    assert.deepEqual(faultsOf({}), [])
    assert.deepEqual(one({}), [])
    assert.deepEqual(ofGrant({}), [])
    assert.deepEqual(ofGrant({ amount: undefined }), [])
  })

  const batches: [string, Partial<PayBatch>, string[]][] = [
    ['a short number', { reference: 'abcd' }, ['reference reference-refused']],
    ['a long number', { reference: 'a'.repeat(33) }, ['reference reference-refused']],
    ['a number with a hyphen', { reference: 'may-2027' }, ['reference reference-refused']],
    ['a name of 33 characters', { name: '工'.repeat(33) }, ['name too-long']],
    ['no name', { name: '' }, ['name required']],
    ['a long remark', { remark: 'x'.repeat(33) }, ['remark too-long']],
    ['no remark', { remark: '' }, ['remark required']],
    ['no transfers', { transfers: [] }, ['transfers invalid-value']],
    ['one number twice', { transfers: [transfer(), transfer()] }, ['transfers repeated-reference']],
    [
      'more than any real amount',
      {
        transfers: ['detail1', 'detail2'].map((reference) =>
          transfer({
            reference,
            amount: cny(10n ** 18n - 1n),
            beneficiary: payBatch().transfers[0]?.beneficiary ?? assert.fail(),
          }),
        ),
      },
      ['transfers too-large'],
    ],
    [
      'no appid of the sub-merchant',
      { terms: { ...terms, subAppid: undefined } as never },
      ['wechatpay.subAppid required'],
    ],
    [
      'no appid of the service provider',
      { terms: { ...terms, authorizationType: 'FUND_AUTHORIZATION_TYPE' } },
      ['wechatpay.spAppid required'],
    ],
    [
      'a type that is not known',
      { terms: { ...terms, authorizationType: 'constructor' } },
      ['wechatpay.authorizationType invalid-value'],
    ],
    [
      'a purpose that is not known',
      { terms: { ...terms, purpose: 'GIFT' } },
      ['wechatpay.purpose invalid-value'],
    ],
    ['a scene that is not known', { terms: { ...terms, scene: 'GIFT' } }, ['wechatpay.scene invalid-value']],
    [
      'a long sub-merchant',
      { terms: { ...terms, subMchid: '1'.repeat(33) } },
      ['wechatpay.subMchid too-long'],
    ],
    [
      'names for some',
      { transfers: [...payBatch().transfers, transfer()] },
      ['transfers[2].beneficiary.name name-needed'],
    ],
  ]
  for (const [title, fields, expected] of batches)
    it(`have ${title}`, () => assert.deepEqual(faultsOf(fields), expected))

  it('have 3,001 transfers', () => {
    const transfers = Array.from({ length: 3_001 }, (_, n) => transfer({ reference: `detail${n}` }))
    assert.deepEqual(faultsOf({ transfers: transfers.slice(1) }), [])
    assert.deepEqual(faultsOf({ transfers }), ['transfers invalid-value'])
  })

  it('have a transfer that is not as it should be', () => {
    const at = 'transfers[0]'
    assert.deepEqual(one({ reference: 'no' }), [`${at}.reference reference-refused`])
    assert.deepEqual(one({ remark: 'x'.repeat(33) }), [`${at}.remark too-long`])
    assert.deepEqual(one({ amount: cny(0n) }), [`${at}.amount.value not-positive`])
    assert.deepEqual(one({ amount: cny(-1n) }), [`${at}.amount.value not-positive`])
    assert.deepEqual(one({ amount: { minor: 1n, currency: 'USD' } }), [
      `${at}.amount.currency wrong-currency`,
    ])
    assert.deepEqual(one({ amount: cny(200_000n) }), [`${at}.beneficiary.name name-needed`])
    assert.deepEqual(one({ amount: cny(199_999n) }), [])
    assert.deepEqual(payee({ openid: 'o'.repeat(65) }), [`${at}.beneficiary.openid too-long`])
    assert.deepEqual(payee({ openid: '' }), [`${at}.beneficiary.openid required`])
    assert.deepEqual(payee({ name: '工'.repeat(72) }), [`${at}.beneficiary.name too-long`])
    assert.deepEqual(payee({ name: '工'.repeat(71) }), [])
    assert.deepEqual(payee({ idCard: '1' }), [`${at}.beneficiary.idCard name-needed`])
    assert.deepEqual(payee({ name: '王', idCard: '1'.repeat(215) }), [`${at}.beneficiary.idCard too-long`])
    assert.deepEqual(one({ beneficiary: { kind: 'bank', bankCode: '1', accountNumber: '2', name: '王' } }), [
      `${at}.beneficiary wrong-beneficiary`,
    ])
  })

  it('are grants that are not as they should be', () => {
    assert.deepEqual(ofGrant({ reference: 'a b' }), ['reference reference-refused'])
    assert.deepEqual(ofGrant({ reference: 'a'.repeat(129) }), ['reference reference-refused'])
    assert.deepEqual(ofGrant({ stockId: '1'.repeat(21) }), ['stockId too-long'])
    assert.deepEqual(ofGrant({ openid: 'o'.repeat(129) }), ['openid too-long'])
    assert.deepEqual(ofGrant({ openid: '..' }), ['openid invalid-value'])
    assert.deepEqual(ofGrant({ appid: '' }), ['appid required'])
    assert.deepEqual(ofGrant({ name: '' }), ['name required'])
    assert.deepEqual(ofGrant({ name: '工'.repeat(72), idCard: '1'.repeat(215) }), [
      'idCard too-long',
      'name too-long',
    ])
    assert.deepEqual(ofGrant({ amount: cny(0n) }), ['amount.value not-positive'])
    assert.deepEqual(ofGrant({ amount: { minor: 1n, currency: 'EUR' } }), ['amount.currency wrong-currency'])
  })

  it('are not sent, and are for a person with every reason and no value', async () => {
    const client = createTestClient(() => assert.fail('It was sent.'))
    const name = '司'.repeat(72)
    const result = await client.order(
      payBatch({
        reference: 'no',
        transfers: [transfer({ beneficiary: { kind: 'wechatpay', openid: 'o-secret', name } })],
      }),
    )
    assert.ok(result.outcome === 'refused' && result.part)
    assert.deepEqual([result.remedy, result.code], ['operator', 'ORDER_INVALID'])
    const { body, asked } = result.part
    assert.deepEqual(JSON.parse(body.toString()).errors, [
      { path: 'reference', code: 'reference-refused' },
      { path: 'transfers[0].beneficiary.name', code: 'too-long' },
    ])
    const seen = sightingOf(translateAnswer(callingAccount, body, asked), 'submission')
    assert.deepEqual(
      [seen.of, seen.reference, seen.status, seen.remedy],
      ['batch', 'no', 'refused', 'operator'],
    )
    assert.equal(client.called.length, 0)
  })
})
