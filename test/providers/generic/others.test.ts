import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { createWorld, declare, flip, now, otherSecret, secret } from '../../support/generic.ts'

const whsec = `whsec_${Buffer.from(secret).toString('base64')}`
const otherWhsec = `whsec_${Buffer.from(otherSecret).toString('base64')}`

describe('generic verification: standard-webhooks', () => {
  const scheme = { scheme: 'standard-webhooks', secrets: [whsec] }
  const world = createWorld(declare(scheme))
  const signatureOf = (text: string, key = secret) =>
    `v1,${createHmac('sha256', key).update(text).digest('base64')}`
  const seconds = String(now / 1000)

  it('accepts what its own signer signs, and keeps what it takes to check it again', async () => {
    const callback = await world.sign()
    const verification = await world.verify(callback)
    assert.ok(verification.outcome === 'authentic')
    assert.deepEqual(world.provider.keyIds(), [verification.keyId])
    assert.equal((await world.verify({ ...callback, headers: verification.headers })).outcome, 'authentic')
  })

  it('takes the header names of who runs it under another prefix', async () => {
    const svix = createWorld(declare({ ...scheme, headerPrefix: 'svix' }))
    const callback = await svix.sign()
    assert.ok(callback.headers['svix-signature'])
    assert.equal(await svix.reason(callback), 'authentic')
    assert.equal(await world.reason(callback), 'nonce-missing')
  })

  it('several secrets, several signatures', async () => {
    const rotating = createWorld(declare({ ...scheme, secrets: [otherWhsec, whsec] }))
    const verification = await rotating.verify(await world.sign())
    assert.ok(verification.outcome === 'authentic')
    assert.equal(verification.keyId, rotating.provider.keyIds()[1])
    const text = `msg_1.${seconds}.{}`
    const both = `${signatureOf(text, otherSecret)} v1a,AAAA ${signatureOf(text)}`
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': seconds, 'webhook-signature': both }
    assert.equal(await world.reason({ headers, body: '{}' }), 'authentic')
  })

  it('refuses what is missing, wrong, late, or by another key', async () => {
    const callback = await world.sign()
    const without = (name: string) => {
      const { [name]: _, ...headers } = callback.headers
      return { ...callback, headers }
    }
    const withHeader = (name: string, value: string) => ({
      ...callback,
      headers: { ...callback.headers, [name]: value },
    })
    assert.equal(await world.reason(without('webhook-id')), 'nonce-missing')
    assert.equal(await world.reason(without('webhook-timestamp')), 'timestamp-missing')
    assert.equal(await world.reason(without('webhook-signature')), 'signature-missing')
    assert.equal(await world.reason(withHeader('webhook-signature', 'v2,AAAA')), 'signature-malformed')
    assert.equal(await world.reason(withHeader('webhook-timestamp', `0${seconds}`)), 'timestamp-malformed')
    assert.equal(await world.reason(await world.sign({ wrongSignature: true })), 'signature-wrong')
    for (const side of [-1, 1]) {
      assert.equal(await world.reason(callback, now + side * 300_000), 'authentic')
      assert.equal(await world.reason(callback, now + side * 300_001), 'outside-window')
    }
  })

  it('refuses a body that is not UTF-8: the library would sign another in its place', async () => {
    const body = Buffer.from([0x22, 0xff, 0x22])
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': seconds,
      'webhook-signature': signatureOf(`msg_1.${seconds}."\ufffd"`),
    }
    assert.equal(await world.reason({ headers, body: '"\ufffd"' }), 'authentic')
    assert.equal(await world.reason({ headers, body }), 'signature-wrong')
  })

  it('refuses an id with a dot, which would cut what is signed in another place', async () => {
    const text = `msg_1.${seconds}.${seconds}.{}`
    const headers = { 'webhook-timestamp': seconds, 'webhook-signature': signatureOf(text) }
    const first = { headers: { ...headers, 'webhook-id': 'msg_1' }, body: `${seconds}.{}` }
    assert.equal(await world.reason(first), 'authentic')
    const moved = { headers: { ...headers, 'webhook-id': `msg_1.${seconds}` }, body: '{}' }
    assert.equal(await world.reason(moved), 'signature-wrong')
  })

  it('refuses any change of any byte, and never throws', async () => {
    const callback = await world.sign()
    const body = Buffer.from(callback.body)
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature']
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('body', ...names),
        fc.nat(10_000),
        fc.integer({ min: 1, max: 255 }),
        async (where, at, mask) => {
          const headers = { ...callback.headers }
          const value = Buffer.from(headers[where] ?? '', 'latin1')
          if (where !== 'body') headers[where] = flip(value, at, mask).toString('latin1')
          const changed = { headers, body: where === 'body' ? flip(body, at, mask) : body }
          assert.equal((await world.verify(changed)).outcome, 'refused')
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('generic verification: basic', () => {
  const credentials = [
    { username: 'acme', password: 'long-enough-1', id: 'new' },
    { username: 'acme', password: 'long-enough-0', id: 'old' },
  ]
  const world = createWorld(declare({ scheme: 'basic', credentials }))
  const basic = (text: string, word = 'Basic') => ({
    headers: { authorization: `${word} ${Buffer.from(text).toString('base64')}` },
    body: '{}',
  })

  it('accepts each credential, says which, and keeps none', async () => {
    for (const { username, password, id } of credentials) {
      const verification = await world.verify(basic(`${username}:${password}`))
      assert.ok(verification.outcome === 'authentic')
      assert.equal(verification.keyId, id)
      assert.deepEqual(verification.headers, {})
    }
    assert.equal(await world.reason(basic('acme:long-enough-1', 'bAsIc')), 'authentic')
    assert.equal(await world.reason(await world.sign()), 'authentic')
    assert.deepEqual(world.provider.keyIds(), ['new', 'old'])
  })

  it('refuses what is missing and what is wrong', async () => {
    assert.equal(await world.reason({ headers: {}, body: '{}' }), 'credentials-missing')
    assert.equal(await world.reason(basic('acme:long-enough-1', 'Bearer')), 'credentials-missing')
    assert.equal(
      await world.reason({ headers: { authorization: 'Basic' }, body: '{}' }),
      'credentials-missing',
    )
    assert.equal(
      await world.reason({ headers: { authorization: 'Basic ' }, body: '{}' }),
      'credentials-wrong',
    )
    for (const text of ['', ':', 'acme:', 'acme:long-enough-11', 'acme:long-enough-', 'acm:along-enough-1'])
      assert.equal(await world.reason(basic(text)), 'credentials-wrong', text)
    assert.equal(await world.reason(await world.sign({ wrongSignature: true })), 'credentials-wrong')
  })

  it('never throws, whatever the header says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const verification = await world.verify({ headers: { authorization: text }, body: '{}' })
        assert.equal(verification.outcome, 'refused')
      }),
    )
  })
})

describe('generic verification: bearer', () => {
  const world = createWorld(declare({ scheme: 'bearer', secrets: [secret, otherSecret] }))
  const callback = (authorization: string) => ({ headers: { authorization }, body: '{}' })

  it('accepts each token, says which, and keeps none', async () => {
    const [first, second] = world.provider.keyIds()
    const one = await world.verify(callback(`Bearer ${secret}`))
    const two = await world.verify(callback(`bearer ${otherSecret}`))
    assert.ok(one.outcome === 'authentic' && one.keyId === first)
    assert.ok(two.outcome === 'authentic' && two.keyId === second)
    assert.deepEqual(one.headers, {})
    for (const id of world.provider.keyIds()) assert.ok(!secret.includes(id) && !otherSecret.includes(id))
  })

  it('takes the token bare from a header of its own', async () => {
    const own = createWorld(declare({ scheme: 'bearer', header: 'X-Callback-Token', secrets: [secret] }))
    assert.equal(await own.reason(await own.sign()), 'authentic')
    assert.equal(await own.reason({ headers: { 'x-callback-token': secret }, body: '' }), 'authentic')
    assert.equal(await own.reason(callback(`Bearer ${secret}`)), 'credentials-missing')
  })

  it('refuses what is missing and what is wrong', async () => {
    assert.equal(await world.reason({ headers: {}, body: '{}' }), 'credentials-missing')
    assert.equal(await world.reason(callback('')), 'credentials-missing')
    assert.equal(await world.reason(callback('Bearer ')), 'credentials-missing')
    assert.equal(await world.reason(callback(secret)), 'credentials-missing')
    assert.equal(await world.reason(callback(`Bearer  ${secret}`)), 'credentials-wrong')
    assert.equal(await world.reason(callback(`Bearer ${secret}x`)), 'credentials-wrong')
    assert.equal(await world.reason(await world.sign({ wrongSignature: true })), 'credentials-wrong')
  })
})

describe('generic verification: none', () => {
  const world = createWorld(declare({ scheme: 'none', iKnow: true }))

  it('lets everything in, and marks it as unverified', async () => {
    const verification = await world.verify({ headers: {}, body: 'anything' })
    assert.ok(verification.outcome === 'authentic')
    assert.equal(verification.unverified, true)
    assert.equal(verification.keyId, 'none')
    assert.deepEqual(verification.headers, {})
    assert.deepEqual(world.provider.keyIds(), ['none'])
  })

  it('marks nothing else so', async () => {
    const proven = createWorld(declare({ scheme: 'bearer', secrets: [secret] }))
    const verification = await proven.verify(await proven.sign())
    assert.ok(verification.outcome === 'authentic' && verification.unverified === undefined)
  })

  it('has nothing that could be signed wrongly', async () => {
    await assert.rejects(world.sign({ wrongSignature: true }), /nothing can be signed wrongly/)
  })
})
