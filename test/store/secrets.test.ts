import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decodeSecrets, encodeSecrets } from '../../src/store/codec/secrets.ts'

describe('what is sealed of an intent', () => {
  const metadata = fc.option(fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }), {
    nil: undefined,
  })
  const beneficiary = fc.oneof(
    fc.record({
      kind: fc.constant('bank'),
      bankCode: fc.string(),
      accountNumber: fc.string(),
      name: fc.string(),
    }),
    fc.record(
      { kind: fc.constant('wechatpay'), openid: fc.string(), name: fc.string(), idCard: fc.string() },
      { requiredKeys: ['kind', 'openid'], noNullPrototype: true },
    ),
  )

  it('is read back as it was', () => {
    fc.assert(
      fc.property(beneficiary, metadata, fc.option(fc.string()), (one, more, remark) => {
        const secrets = {
          beneficiary: { ...one },
          ...(more && { metadata: more }),
          ...(remark !== null && { remark }),
        }
        assert.deepEqual(decodeSecrets(encodeSecrets(secrets)), secrets)
      }),
    )
  })

  it('is read back also of what has no beneficiary', () => {
    for (const secrets of [{}, { customerName: 'Ani' }, { metadata: { a: 'b' } }])
      assert.deepEqual(decodeSecrets(encodeSecrets(secrets)), secrets)
  })

  it('names nothing of a bank account', () => {
    const beneficiary = { kind: 'bank', bankCode: '002', accountNumber: '0000000000', name: 'John Doe' }
    assert.equal(encodeSecrets({ beneficiary }), '["002","0000000000","John Doe"]')
  })
})
