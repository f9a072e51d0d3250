import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Translation } from '../../../src/providers/provider.ts'
import { translateCallback } from '../../../src/providers/wechatpay/translate.ts'
import { describeEvent, encryptResource } from '../../../src/sandbox/wechatpay-signer.ts'
import { assertSound, reasonOf as reasonOfTranslation, sightingOf } from '../../support/translation.ts'
import { apiV3Key, describePayout, eventOf, olderApiV3Key, testAccount } from '../../support/wechatpay.ts'

const bill = {
  mch_id: '1900000001',
  out_bill_no: 'bill0000000001',
  transfer_bill_no: '1330000071100999991182020050700019480001',
  state: 'SUCCESS',
  transfer_amount: 25000,
  openid: 'o-MYE42l80oelYMDE34nYD456Xoy',
  create_time: '2027-01-10T00:54:42+08:00',
  update_time: '2027-01-10T00:54:48+08:00',
}

const event = (plaintext: string, eventType = 'MCHTRANSFER.BILL.FINISHED', key?: Uint8Array) =>
  eventOf(eventType, plaintext, key)

const translate = (body: string | Buffer): Translation => translateCallback(testAccount, Buffer.from(body))

const understood = (fields: Record<string, unknown> = {}) =>
  sightingOf(translate(event(JSON.stringify({ ...bill, ...fields }))), 'transfer')
const reason = (body: string | Buffer) => reasonOfTranslation(translate(body))
const reasonOf = (fields: Record<string, unknown>) => reason(event(JSON.stringify({ ...bill, ...fields })))

describe('wechatpay translation', () => {
  it('reads a bill that is final', () => {
    assert.deepEqual(understood(), {
      kind: 'transfer',
      source: 'callback',
      account: 'wx-test',
      reference: 'bill0000000001',
      status: 'succeeded',
      providerReference: '1330000071100999991182020050700019480001',
      amount: { minor: 25000n, currency: 'CNY' },
      payee: { kind: 'wechatpay', number: 'o-MYE42l80oelYMDE34nYD456Xoy' },
      occurredAt: Date.parse('2027-01-09T16:54:48Z'),
    })
  })

  it('opens what is bound to other letters than ASCII, and quotes such an event as it stands', () => {
    const resource = encryptResource(JSON.stringify(bill), apiV3Key, '商家转账')
    const envelope = { at: 0, originalType: 'mch_payment', summary: '商家转账单据终态通知', resource }
    const body = describeEvent({ ...envelope, eventType: 'MCHTRANSFER.BILL.FINISHED' })
    assert.equal(sightingOf(translate(body), 'transfer').status, 'succeeded')
    assert.match(reason(describeEvent({ ...envelope, eventType: '转账' })), /"转账"/)
  })

  it('refuses a summary that is no UTF-8, and an event that stands twice', () => {
    const body = Buffer.from(event(JSON.stringify(bill)))
    const at = body.indexOf('"summary":"') + '"summary":"'.length
    const broken = Buffer.concat([body.subarray(0, at), Buffer.from([0xff]), body.subarray(at)])
    assert.match(reason(broken), /is not UTF-8/)
    const doubled = body.toString().replace('{', '{"event_type":"COUPON.USE",')
    assert.match(reason(doubled), /says one thing twice/)
  })

  it('reads what the sandbox sends', () => {
    const { amount, status } = sightingOf(translate(describePayout()), 'transfer')
    assert.deepEqual(amount, { minor: 25000n, currency: 'CNY' })
    assert.equal(status, 'succeeded')
  })

  it('reads every state that there is', () => {
    const status = (state: string) => understood({ state }).status
    assert.equal(status('FAIL'), 'failed')
    assert.equal(status('CANCELLED'), 'failed')
    for (const state of ['ACCEPTED', 'PROCESSING', 'WAIT_USER_CONFIRM', 'TRANSFERING', 'CANCELING']) {
      assert.equal(status(state), 'processing', state)
    }
  })

  it('says why it failed in WeChat Pay’s word, and keeps other text to itself', () => {
    const failure = (fields: object) => understood({ state: 'FAIL', ...fields }).failure
    assert.deepEqual(failure({ fail_reason: 'ACCOUNT_FROZEN' }), {
      code: 'beneficiary-blocked',
      reason: 'ACCOUNT_FROZEN',
    })
    assert.deepEqual(failure({ fail_reason: '张三 is not known' }), { code: 'unknown' })
    assert.deepEqual(failure({ fail_reason: '' }), { code: 'declined-by-provider' })
    assert.deepEqual(failure({ fail_reason: null }), { code: 'declined-by-provider' })
    assert.deepEqual(failure({ state: 'CANCELLED' }), { code: 'cancelled' })
    assert.deepEqual(failure({ state: 'CANCELLED', fail_reason: 'OVERDUE_CLOSE' }), {
      code: 'cancelled',
      reason: 'OVERDUE_CLOSE',
    })
    assert.equal(understood({ fail_reason: 'ACCOUNT_FROZEN' }).failure, undefined)
  })

  it('reads fen exactly, as a number and as text', () => {
    const plaintext = JSON.stringify(bill).replace('25000', '900719925474099301')
    const { amount } = sightingOf(translate(event(plaintext)), 'transfer')
    assert.equal(amount?.minor, 900719925474099301n, 'no float on the way')
    assert.equal(understood({ transfer_amount: '25000' }).amount?.minor, 25000n)
  })

  it('takes either spelling of the merchant, and none', () => {
    const { mch_id, ...rest } = bill
    for (const merchant of [{ mchid: mch_id }, {}]) {
      assert.equal(translate(event(JSON.stringify({ ...rest, ...merchant }))).outcome, 'understood')
    }
  })

  it('opens what was encrypted under an older APIv3 key', () => {
    assert.equal(translate(event(JSON.stringify(bill), undefined, olderApiV3Key)).outcome, 'understood')
  })

  it('leaves out whom it paid where it does not say so', () => {
    for (const openid of [null, undefined]) assert.equal(understood({ openid }).payee, undefined)
  })

  describe('does not guess at', () => {
    const cases: Record<string, [() => string, RegExp]> = {
      'what is not JSON': [() => reason('code=SUCCESS'), /The body is not JSON/],
      'bytes that are not UTF-8': [() => reason(Buffer.from([0x7b, 0xff, 0x7d])), /The body is not UTF-8/],
      'a body without a resource': [() => reason('{"event_type":"COUPON.USE"}'), /The body .*resource/],
      'another event': [() => reason(event('{}', 'TRANSACTION.SUCCESS')), /"TRANSACTION.SUCCESS" is not one/],
      'an event of a name that objects have': [
        () => reason(event('{}', 'constructor')),
        /"constructor" is not one/,
      ],
      'a resource under another key': [
        () => reason(event('{}', undefined, Buffer.alloc(32, 7))),
        /No APIv3 key of the account opens/,
      ],
      'another algorithm': [
        () => reason(event('{}').replace('AEAD_AES_256_GCM', 'AEAD_SM4_GCM')),
        /algorithm that is not supported/,
      ],
      'a resource that is not JSON': [() => reason(event('hello')), /The decrypted resource is not JSON/],
      'a bill without a number': [() => reasonOf({ out_bill_no: undefined }), /resource .*out_bill_no/],
      'an unknown state': [() => reasonOf({ state: 'REFUND' }), /state "REFUND" is not known/],
      'a state of a name that objects have': [() => reasonOf({ state: 'toString' }), /is not known/],
      'a state in lower case': [() => reasonOf({ state: 'success' }), /is not known/],
      'fen with decimals': [() => reasonOf({ transfer_amount: 250.5 }), /whole number of fen/],
      'negative fen': [() => reasonOf({ transfer_amount: -1 }), /whole number of fen/],
      'fen with an exponent': [
        () => reason(event(JSON.stringify(bill).replace('25000', '25e3'))),
        /whole number of fen/,
      ],
      'another merchant': [() => reasonOf({ mch_id: '1900000002' }), /another merchant/],
      'two merchants': [() => reasonOf({ mchid: '1900000002' }), /another merchant/],
      'a time that is none': [() => reasonOf({ update_time: 'yesterday' }), /update_time/],
      'a number of a hostile size': [
        () => reasonOf({ out_bill_no: 'x'.repeat(1_000_000) }),
        /resource .*out_bill_no \(too_big\)/,
      ],
      'fen of a hostile size': [
        () => reason(event(JSON.stringify(bill).replace('25000', '9'.repeat(100_000)))),
        /transfer_amount \(too_big\)/,
      ],
      'a key that says two things': [
        () => reason(event(JSON.stringify(bill).replace('"state"', '"state":"FAIL","state"'))),
        /says one thing twice/,
      ],
    }
    for (const [title, [said, expected]] of Object.entries(cases)) {
      it(title, () => assert.match(said(), expected))
    }
  })

  it('never says a value of the resource that is personal', () => {
    const secret = 'o-secret-openid'
    for (const fields of [
      { openid: secret, state: 7 },
      { openid: secret, out_bill_no: { secret } },
      { openid: [secret] },
    ]) {
      assert.ok(!reasonOf(fields).includes(secret))
    }
  })

  it('answers for any bytes, around the encryption and within it, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.json(), (bytes, json) => {
        assert.equal(translate(Buffer.from(bytes)).outcome, 'not-understood')
        assert.equal(translate(json).outcome, 'not-understood')
        assert.equal(translate(event(json)).outcome, 'not-understood')
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(bill)), fc.jsonValue(), (field, value) =>
        assertSound(translate(event(JSON.stringify({ ...bill, [field]: value })))),
      ),
    )
  })
})
