import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { createSign } from '../../../src/workers/deliver/sign.ts'

describe('the signature of a push', () => {
  const secretOf = (bytes: Uint8Array) => `whsec_${Buffer.from(bytes).toString('base64')}`

  it('is that of the library of Standard Webhooks, of any secret, id, time and body', () => {
    const sign = createSign()
    const secret = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(secretOf)
    const at = fc.integer({ min: 0, max: 8.64e15 })
    fc.assert(
      fc.property(secret, fc.string(), at, fc.string({ unit: 'grapheme' }), (one, id, time, body) => {
        const expected = new Webhook(one).sign(id, new Date(time), body)
        assert.equal(sign([one], { id, at: time, body }), expected)
      }),
    )
  })

  it('is one for each secret that is live, in their order', () => {
    const [one, other] = [secretOf(randomBytes(32)), secretOf(randomBytes(24))]
    const signed = { id: 'ev-tr-1-1', at: Date.now(), body: '{"name":"zürich 你好"}'.repeat(200) }
    const each = [one, other].map((secret) =>
      new Webhook(secret).sign(signed.id, new Date(signed.at), signed.body),
    )
    assert.equal(createSign()([one, other], signed), each.join(' '))
  })

  it('is none of an empty secret', () => {
    assert.throws(() => createSign()(['whsec_'], { id: 'ev-1', at: 0, body: '{}' }), RangeError)
  })

  it('is still so after more secrets than are kept', () => {
    const sign = createSign()
    const secrets = Array.from({ length: 1_010 }, () => secretOf(randomBytes(24)))
    const signed = { id: 'ev-1', at: 0, body: '{}' }
    for (const secret of [...secrets, secrets[0] as string]) {
      assert.equal(sign([secret], signed), new Webhook(secret).sign('ev-1', new Date(0), '{}'))
    }
  })
})
