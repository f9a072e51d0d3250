import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { encryptField, fieldBytesMax } from '../../../src/providers/wechatpay/encrypt-field.ts'
import { decryptField } from '../../../src/providers/wechatpay/sensitive-field.ts'
import { strangerKey } from '../../support/wechatpay.ts'
import { merchantKeys } from '../../support/wechatpay-answers.ts'

describe('wechatpay encrypted fields', () => {
  const key = createPublicKey(strangerKey)

  it('are opened by the key that they are for, and by no other', () => {
    const encrypted = encryptField('张三', key)
    assert.equal(decryptField(encrypted, strangerKey), '张三')
    assert.equal(decryptField(encrypted, merchantKeys.privateKey), undefined)
  })

  it('are never twice alike', () => assert.notEqual(encryptField('张三', key), encryptField('张三', key)))

  it('hold as many bytes as one block, and no more', () => {
    const full = 'x'.repeat(fieldBytesMax)
    assert.equal(fieldBytesMax, 214)
    assert.equal(decryptField(encryptField(full, key), strangerKey), full)
    assert.throws(() => encryptField(`${full}x`, key), RangeError)
    assert.throws(() => encryptField('工'.repeat(72), key), RangeError)
  })

  it('come back as they went, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        fc.pre(text !== '' && Buffer.byteLength(text) <= fieldBytesMax)
        assert.equal(decryptField(encryptField(text, key), strangerKey), text)
      }),
      { numRuns: 50 },
    )
  })
})
