import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { decrypt, type Encrypted } from '../../../src/providers/wechatpay/decrypt.ts'
import { encryptResource } from '../../../src/sandbox/wechatpay-signer.ts'

const key = randomBytes(32)
const older = randomBytes(32)

function open(encrypted: Encrypted, keys: Uint8Array[] = [key, older]): string | undefined {
  const opened = decrypt(encrypted, keys)
  return opened.outcome === 'opened' ? opened.plaintext.toString() : undefined
}

describe('wechatpay decryption', () => {
  it('opens the example of WeChat Pay’s own Java library', () => {
    const example = {
      algorithm: 'AEAD_AES_256_GCM',
      nonce: 'uluk4a9R25RW',
      associated_data: 'associatedData',
      ciphertext: 'ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=',
    }
    assert.equal(open(example, [Buffer.from('a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb')]), 'message')
  })

  it('opens with the current key and with an older one', () => {
    assert.equal(open(encryptResource('{"a":1}', key)), '{"a":1}')
    assert.equal(open(encryptResource('{"a":1}', older)), '{"a":1}')
    assert.equal(open(encryptResource('{"a":1}', randomBytes(32))), undefined)
  })

  it('takes associated data that is empty, null or not there for one', () => {
    const { associated_data: _, ...rest } = encryptResource('{"a":1}', key, '')
    for (const associated of [{ associated_data: '' }, { associated_data: null }, {}]) {
      assert.equal(open({ ...rest, ...associated }), '{"a":1}')
    }
    assert.equal(open({ ...rest, associated_data: 'mch_payment' }), undefined)
  })

  it('opens nothing of which a single bit was changed: text, tag, nonce or associated data', () => {
    const genuine = encryptResource('{"out_bill_no":"1"}', key)
    const bytes = Buffer.from(genuine.ciphertext, 'base64')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(open({ ...genuine, ciphertext: changed.toString('base64') }), undefined)
    }
    assert.equal(open({ ...genuine, nonce: `${genuine.nonce.slice(1)}0` }), undefined)
    assert.equal(open({ ...genuine, associated_data: 'mch_paymenT' }), undefined)
  })

  it('opens nothing that was cut short, down to the tag alone', () => {
    const genuine = encryptResource('{"out_bill_no":"1"}', key)
    const bytes = Buffer.from(genuine.ciphertext, 'base64')
    for (let length = 1; length < bytes.length; length++) {
      const ciphertext = bytes.subarray(0, length).toString('base64')
      assert.equal(open({ ...genuine, ciphertext }), undefined, String(length))
    }
  })

  it('says which it was: another algorithm, no base64, no key that fits', () => {
    const genuine = encryptResource('{}', key)
    const reason = (encrypted: Encrypted) => {
      const opened = decrypt(encrypted, [older])
      return opened.outcome === 'not-opened' ? opened.reason : ''
    }
    assert.match(reason({ ...genuine, algorithm: 'AEAD_SM4_GCM' }), /algorithm that is not supported/)
    assert.match(reason({ ...genuine, ciphertext: '!!' }), /not whole base64/)
    assert.match(reason(genuine), /No APIv3 key of the account opens/)
  })

  it('answers for anything, and never throws', () => {
    const longest = '\u4e2d'.repeat(64)
    assert.equal(
      open({ algorithm: 'AEAD_AES_256_GCM', ciphertext: 'A'.repeat(32), nonce: longest }),
      undefined,
    )
    fc.assert(
      fc.property(
        fc.base64String(),
        fc.string({ minLength: 1, maxLength: 64 }),
        fc.string(),
        (text, nonce, associated) => {
          const encrypted = {
            algorithm: 'AEAD_AES_256_GCM',
            ciphertext: text,
            nonce,
            associated_data: associated,
          }
          assert.equal(open(encrypted), undefined)
        },
      ),
    )
  })
})
