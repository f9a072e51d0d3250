import assert from 'node:assert/strict'
import { wechatpayLimits } from '../../../src/providers/wechatpay/limits.ts'
import { payBatch } from '../../support/wechatpay-answers.ts'

const { terms } = payBatch()
const termsFaults = (fields: object) =>
  wechatpayLimits
    .checkBatch({ reference: 'may2027', transfers: [], wechatpay: { ...terms, ...fields } })
    .map(({ path, code }) => `${path} ${code}`)

describe('wechatpay limits at the registration', () => {
  it('take each authorization type with its appid', () => {
    for (const [authorizationType, appid] of [
      ['INFORMATION_AUTHORIZATION_TYPE', 'subAppid'],
      ['FUND_AUTHORIZATION_TYPE', 'spAppid'],
      ['INFORMATION_AND_FUND_AUTHORIZATION_TYPE', 'subAppid'],
    ] as const) {
      const without = { authorizationType, subAppid: undefined, spAppid: undefined }
      assert.deepEqual(termsFaults({ ...without, [appid]: 'wx1' }), [])
      assert.deepEqual(termsFaults(without), [`wechatpay.${appid} required`])
    }
  })

  it('name every fault of the terms at once', () => {
    const long = 'x'.repeat(33)
    assert.deepEqual(
      termsFaults({
        authorizationType: 'ALL',
        purpose: 'GIFT',
        scene: 'GIFT',
        subMchid: long,
        subAppid: long,
        spAppid: long,
      }),
      [
        'wechatpay.authorizationType invalid-value',
        'wechatpay.purpose invalid-value',
        'wechatpay.scene invalid-value',
        'wechatpay.subMchid too-long',
        'wechatpay.subAppid too-long',
        'wechatpay.spAppid too-long',
      ],
    )
  })

  it('take every purpose and scene that is documented', () => {
    for (const purpose of 'GOODSPAYMENT COMMISSION REFUND REIMBURSEMENT FREIGHT OTHERS'.split(' '))
      assert.deepEqual(termsFaults({ purpose }), [])
    for (const scene of ['ORDINARY_TRANSFER', 'PAYROLL_CARD_TRANSFER'])
      assert.deepEqual(termsFaults({ scene }), [])
  })
})
