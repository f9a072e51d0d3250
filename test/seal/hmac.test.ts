import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { createKeyedDigest } from '../../src/seal/hmac.ts'

describe('keyed digests', () => {
  const keys = fc.uint8Array({ minLength: 1, maxLength: 64 })

  it('are those of HMAC-SHA-256, of any text, one after another', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), { maxLength: 8 })
    fc.assert(
      fc.property(keys, texts, (key, list) => {
        const digest = createKeyedDigest(key)
        for (const text of list)
          assert.equal(digest(text), createHmac('sha256', key).update(text).digest('base64url'))
      }),
    )
  })

  it('are so in the other alphabet, as signatures are written', () => {
    fc.assert(
      fc.property(keys, fc.string({ unit: 'binary' }), (key, text) => {
        const expected = createHmac('sha256', key).update(text).digest('base64')
        assert.equal(createKeyedDigest(key, 'base64')(text), expected)
      }),
    )
  })

  it('are so around the length beyond which a text is not taken at once', () => {
    const key = new Uint8Array(32).fill(7)
    const digest = createKeyedDigest(key)
    for (const letter of ['a', 'é', '亿', '\ud83d']) {
      for (const length of [1_343, 1_344, 1_345, 5_000]) {
        const text = letter.repeat(length)
        assert.equal(digest(text), createHmac('sha256', key).update(text).digest('base64url'))
      }
    }
  })

  it('take no key of more than a block', () => {
    assert.throws(() => createKeyedDigest(new Uint8Array(65)), RangeError)
  })
})
