import assert from 'node:assert/strict'
import fc from 'fast-check'
import { failureCodes } from '../../../src/domain/failure.ts'
import { describeFailure } from '../../../src/providers/wechatpay/failure-codes.ts'

/** As WeChat Pay's documents and libraries list them, in their spelling. */
const published = `ACCOUNT_FROZEN REAL_NAME_CHECK_FAIL NAME_NOT_CORRECT OPENID_INVALID TRANSFER_QUOTA_EXCEED
  DAY_RECEIVED_QUOTA_EXCEED MONTH_RECEIVED_QUOTA_EXCEED DAY_RECEIVED_COUNT_EXCEED PRODUCT_AUTH_CHECK_FAIL OVERDUE_CLOSE
  ID_CARD_NOT_CORRECT ACCOUNT_NOT_EXIST TRANSFER_RISK OTHER_FAIL_REASON_TYPE REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED
  RECEIVE_ACCOUNT_NOT_PERMMIT PAYEE_ACCOUNT_ABNORMAL PAYER_ACCOUNT_ABNORMAL TRANSFER_REMARK_SET_FAIL
  PAY_ROLL_CARD_ALREADY_LOGOUT PAY_ROLL_CARD_ALREADY_FROZEN PAY_ROLL_CARD_UNAUTHORIZED PAY_ROLL_CARD_USER_NOT_OPEN
  PAYROLL_CARD_ALREADY_LOGOUT PAYROLL_CARD_ALREADY_FROZEN PAYROLL_CARD_UNAUTHORIZED PAYROLL_CARD_USER_NOT_OPEN
  PAYROLL_CARD_NAME_CARD_NOT_MATCH PAYROLL_CARD_ID_CARD_NOT_MATCH PAYROLL_CARD_BANKCARD_UNBUNDLING
  BANK_CARD_COLLECTIONS_ABOVE_QUOTA BANK_CARD_ACCOUNT_ABNORMAL BANK_CARD_STATUS_ABNORMAL BANK_CARD_BANK_INFO_WRONG
  BANK_CARD_CARD_INFO_WRONG TRANSFER_SCENE_UNAVAILABLE TRANSFER_SCENE_INVALID RECEIVE_ACCOUNT_NOT_CONFIGURE
  BLOCK_B2C_USERLIMITAMOUNT_BSRULE_MONTH BLOCK_B2C_USERLIMITAMOUNT_MONTH MERCHANT_REJECT MERCHANT_NOT_CONFIRM
  MERCHANT_REVOCATION NOT_ENOUGH QUOTA_EXCEED NO_AUTH ACCOUNTERROR`.split(/\s+/)

describe('wechatpay failure codes', () => {
  it('knows every word that is published, and keeps it', () => {
    for (const word of published) {
      const { code, reason } = describeFailure(word)
      assert.notEqual(code, 'unknown', word)
      assert.equal(reason, word)
    }
  })

  it('says what a program can act on', () => {
    const codeOf = (word: string) => describeFailure(word).code
    assert.equal(codeOf('ACCOUNT_FROZEN'), 'beneficiary-blocked')
    assert.equal(codeOf('ACCOUNT_NOT_EXIST'), 'beneficiary-not-found')
    assert.equal(codeOf('NAME_NOT_CORRECT'), 'beneficiary-mismatch')
    assert.equal(codeOf('REAL_NAME_CHECK_FAIL'), 'beneficiary-not-eligible')
    assert.equal(codeOf('DAY_RECEIVED_COUNT_EXCEED'), 'limit-exceeded')
    assert.equal(codeOf('NOT_ENOUGH'), 'insufficient-funds')
    assert.equal(codeOf('RECEIVE_ACCOUNT_NOT_PERMMIT'), 'payer-not-allowed')
    assert.equal(codeOf('TRANSFER_RISK'), 'risk-refused')
    assert.equal(codeOf('MERCHANT_NOT_CONFIRM'), 'expired')
    assert.equal(codeOf('MERCHANT_REJECT'), 'cancelled')
    assert.equal(codeOf('OTHER_FAIL_REASON_TYPE'), 'declined-by-provider')
    assert.equal(codeOf('PAY_ROLL_CARD_ALREADY_FROZEN'), codeOf('PAYROLL_CARD_ALREADY_FROZEN'))
  })

  it('tells no reason from one that it does not know', () => {
    for (const none of [undefined, null, ''])
      assert.deepEqual(describeFailure(none), { code: 'declined-by-provider' })
    assert.deepEqual(describeFailure('A_NEW_WORD'), { code: 'unknown', reason: 'A_NEW_WORD' })
    assert.deepEqual(describeFailure('CONSTRUCTOR'), { code: 'unknown', reason: 'CONSTRUCTOR' })
  })

  it('keeps words alone: other text may speak of a person', () => {
    const texts = [
      '张三 is not known',
      'account_frozen',
      ' ACCOUNT_FROZEN',
      'A'.repeat(65),
      'A B',
      'constructor',
    ]
    for (const text of texts) assert.deepEqual(describeFailure(text), { code: 'unknown' }, text)
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { code, reason } = describeFailure(text)
        assert.ok(failureCodes.includes(code))
        assert.ok(reason === undefined || (reason === text && /^[A-Z][A-Z0-9_]{0,63}$/.test(reason)))
      }),
    )
  })
})
