import assert from 'node:assert/strict'
import fc from 'fast-check'
import { translateCallback } from '../../../src/providers/wechatpay/translate.ts'
import { assertSound, reasonOf, sightingOf } from '../../support/translation.ts'
import { eventOf, olderApiV3Key, testAccount } from '../../support/wechatpay.ts'

const finished = {
  mchid: '1900000001',
  out_batch_no: 'plfk2020042013',
  batch_id: '1030000071100999991182020050700019480001',
  batch_status: 'FINISHED',
  total_num: 200,
  total_amount: 4000000,
  success_amount: 3900000,
  success_num: 199,
  fail_amount: 100000,
  fail_num: 1,
  update_time: '2027-01-10T00:54:48+08:00',
}
const closed = {
  mchid: '1900000001',
  out_batch_no: 'plfk2020042013',
  batch_id: '1030000071100999991182020050700019480001',
  batch_status: 'CLOSED',
  total_num: 200,
  total_amount: 4000000,
  close_reason: 'OVERDUE_CLOSE',
  update_time: '2027-01-10T00:54:48+08:00',
}
type Draft = Record<string, unknown>

const translate = (content: Draft | string, status: 'FINISHED' | 'CLOSED', key?: Uint8Array) => {
  const plaintext = typeof content === 'string' ? content : JSON.stringify(content)
  return translateCallback(testAccount, Buffer.from(eventOf(`MCHTRANSFER.BATCH.${status}`, plaintext, key)))
}
const understood = (fields: Draft = {}) =>
  sightingOf(translate({ ...finished, ...fields }, 'FINISHED'), 'batch')
const understoodClosed = (fields: Draft = {}) =>
  sightingOf(translate({ ...closed, ...fields }, 'CLOSED'), 'batch')
const reason = (fields: Draft) => reasonOf(translate({ ...finished, ...fields }, 'FINISHED'))
const cny = (minor: bigint) => ({ minor, currency: 'CNY' })

describe('wechatpay translation of a batch', () => {
  it('reads one that is finished, with its figures', () => {
    assert.deepEqual(understood(), {
      kind: 'batch',
      source: 'callback',
      account: 'wx-test',
      reference: 'plfk2020042013',
      status: 'finished',
      providerReference: '1030000071100999991182020050700019480001',
      figures: {
        count: 200,
        succeededCount: 199,
        failedCount: 1,
        amount: cny(4000000n),
        succeededAmount: cny(3900000n),
        failedAmount: cny(100000n),
      },
      occurredAt: Date.parse('2027-01-09T16:54:48Z'),
    })
  })

  it('reads one that is closed, with the reason', () => {
    assert.deepEqual(understoodClosed(), {
      kind: 'batch',
      source: 'callback',
      account: 'wx-test',
      reference: 'plfk2020042013',
      status: 'closed',
      providerReference: '1030000071100999991182020050700019480001',
      figures: { count: 200, amount: cny(4000000n) },
      closeReason: 'OVERDUE_CLOSE',
      occurredAt: Date.parse('2027-01-09T16:54:48Z'),
    })
  })

  it('keeps a reason that is no word to itself, and knows none of a batch that is not closed', () => {
    for (const close_reason of ['张三 withdrew', '', null, undefined])
      assert.equal(understoodClosed({ close_reason }).closeReason, undefined)
    assert.equal(understood({ close_reason: 'OVERDUE_CLOSE' }).closeReason, undefined)
  })

  it('keeps figures that do not add up: they are compared with ours, not with each other', () => {
    assert.equal(understood({ success_num: 7 }).figures?.succeededCount, 7)
  })

  it('takes what is left out for unknown', () => {
    const { out_batch_no, batch_id } = finished
    const bare = sightingOf(translate({ out_batch_no, batch_id }, 'FINISHED'), 'batch')
    assert.deepEqual(
      [bare.status, bare.figures, bare.occurredAt, bare.reference],
      ['finished', undefined, undefined, 'plfk2020042013'],
    )
    assert.deepEqual(understood({ fail_num: null, fail_amount: '' }).figures, {
      count: 200,
      succeededCount: 199,
      amount: cny(4000000n),
      succeededAmount: cny(3900000n),
    })
  })

  it('reads figures as numbers and as text, exactly', () => {
    assert.deepEqual(understood({ total_num: '200', total_amount: '4000000' }), understood())
    const large = JSON.stringify(finished).replace('4000000', '900719925474099301')
    const { figures } = sightingOf(translate(large, 'FINISHED'), 'batch')
    assert.equal(figures?.amount?.minor, 900719925474099301n, 'no float on the way')
    assert.equal(understood({ fail_num: 0 }).figures?.failedCount, 0)
  })

  it('takes either spelling of the merchant, and opens what an older key encrypted', () => {
    assert.equal(understood({ mchid: undefined, mch_id: '1900000001' }).reference, 'plfk2020042013')
    assert.equal(translate(finished, 'FINISHED', olderApiV3Key).outcome, 'understood')
  })

  describe('does not guess at', () => {
    const cases: Record<string, [Draft, RegExp]> = {
      'another merchant': [{ mchid: '1900000002' }, /another merchant/],
      'two merchants': [{ mch_id: '1900000002' }, /another merchant/],
      'a batch that says another status than its event': [
        { batch_status: 'CLOSED' },
        /batch_status "CLOSED" is not the event/,
      ],
      'a batch that is not final': [{ batch_status: 'PROCESSING' }, /batch_status "PROCESSING"/],
      'a batch without our number': [{ out_batch_no: undefined }, /out_batch_no/],
      'a batch without a number': [{ batch_id: null }, /batch_id/],
      'a number of two words': [{ batch_id: 'a b' }, /batch_id/],
      'a count with decimals': [{ success_num: 1.5 }, /success_num is not a whole number\./],
      'a negative count': [{ fail_num: -1 }, /fail_num is not a whole number\./],
      'a count of a hostile size': [{ total_num: 1e15 }, /total_num is not a whole number\./],
      'fen with decimals': [{ total_amount: 0.5 }, /total_amount is not a whole number of fen/],
      'negative fen': [{ success_amount: '-1' }, /success_amount is not a whole number of fen/],
      'fen of a hostile size': [{ fail_amount: '9'.repeat(19) }, /fail_amount is not/],
      'a count of another type': [{ total_num: [200] }, /total_num/],
      'a time that is none': [{ update_time: 'yesterday' }, /update_time is not a time/],
    }
    for (const [title, [fields, expected]] of Object.entries(cases))
      it(title, () => assert.match(reason(fields), expected))

    it('a key that says two things', () => {
      const twice = JSON.stringify(finished).replace('"total_num"', '"total_num":1,"total_num"')
      assert.match(reasonOf(translate(twice, 'FINISHED')), /says one thing twice/)
    })
  })

  it('is sound for any content and any value in any place', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('FINISHED' as const, 'CLOSED' as const),
        fc.constantFrom(...Object.keys({ ...finished, ...closed })),
        fc.jsonValue(),
        fc.json(),
        (status, field, value, json) => {
          const base = status === 'FINISHED' ? finished : closed
          assertSound(translate({ ...base, [field]: value }, status))
          assert.equal(translate(json, status).outcome, 'not-understood')
        },
      ),
    )
  })
})
