import assert from 'node:assert/strict'
import { accepted, refused } from '../../../src/providers/wechatpay/ack.ts'

describe('wechatpay answers', () => {
  it('says success in the contract’s words', () => assert.equal(accepted.body, '{"code":"SUCCESS"}'))

  it('says failure with a message that is no longer than the contract allows', () => {
    assert.equal(refused('Not authentic').body, '{"code":"FAIL","message":"Not authentic"}')
    assert.equal(JSON.parse(refused('x'.repeat(100)).body).message.length, 64)
  })
})
