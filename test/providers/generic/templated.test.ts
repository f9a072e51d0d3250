import assert from 'node:assert/strict'
import { createHmac, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import {
  acmeVerify,
  createWorld,
  declare,
  digestOf,
  ed,
  flip,
  now,
  otherEd,
  otherRsa,
  otherSecret,
  pemOf,
  rsa,
  secret,
} from '../../support/generic.ts'

type Draft = Record<string, unknown>
interface Scheme {
  verify: Draft
  privateKey?: KeyObject
  other: Draft
  otherPrivateKey?: KeyObject
}

const publicKeys = (scheme: string, key: KeyObject): Draft => ({
  scheme,
  header: 'x-signature',
  signed: '{timestamp}.{body}',
  timestampHeader: 'x-timestamp',
  publicKeys: [pemOf(key)],
})

const schemes: Record<string, Scheme> = {
  'hmac-sha256 in hex': { verify: acmeVerify, other: { secrets: [otherSecret] } },
  'hmac-sha512 in base64, with a path and an id': {
    verify: {
      ...acmeVerify,
      scheme: 'hmac-sha512',
      encoding: 'base64',
      signed: '{method}\n{path}\n{header:x-request-id}\n{timestamp}\n{bodySha256}',
      timestampFormat: 'rfc3339',
    },
    other: { secrets: [otherSecret] },
  },
  'hmac-sha256 in base64url, in milliseconds': {
    verify: { ...acmeVerify, encoding: 'base64url', timestampFormat: 'unix-milliseconds' },
    other: { secrets: [otherSecret] },
  },
  'hmac-sha256 in named parts': {
    verify: {
      ...acmeVerify,
      prefix: '',
      header: 'stripe-signature',
      timestampHeader: undefined,
      signaturePart: 'v1',
      timestampPart: 't',
    },
    other: { secrets: [otherSecret] },
  },
  'rsa-sha256': {
    verify: publicKeys('rsa-sha256', rsa.publicKey),
    privateKey: rsa.privateKey,
    other: { publicKeys: [pemOf(otherRsa.publicKey)] },
    otherPrivateKey: otherRsa.privateKey,
  },
  ed25519: {
    verify: publicKeys('ed25519', ed.publicKey),
    privateKey: ed.privateKey,
    other: { publicKeys: [pemOf(otherEd.publicKey)] },
    otherPrivateKey: otherEd.privateKey,
  },
}

for (const [title, { verify, privateKey, other, otherPrivateKey }] of Object.entries(schemes)) {
  describe(`generic verification: ${title}`, () => {
    const world = createWorld(declare(verify), privateKey)
    const stranger = createWorld(declare({ ...verify, ...other }), otherPrivateKey)
    const header = String(verify.header)

    it('accepts what its own signer signs, and keeps what it takes to check it again', async () => {
      const callback = await world.sign()
      const verification = await world.verify(callback)
      assert.ok(verification.outcome === 'authentic')
      assert.deepEqual(world.provider.keyIds(), [verification.keyId])
      assert.equal(verification.digest, digestOf(callback.body))
      assert.equal(verification.headers[header], callback.headers[header])
      const { path: kept, ...headers } = verification.headers
      const again = await world.verify({ headers, body: callback.body })
      assert.equal(again.outcome, 'authentic')
      assert.equal(kept, String(verify.signed).includes('{path}') ? '/callbacks/acme' : undefined)
    })

    it('accepts either key while they rotate, and says which it was', async () => {
      const list = 'secrets' in verify ? 'secrets' : 'publicKeys'
      const both = [...(other[list] as string[]), ...(verify[list] as string[])]
      const rotating = createWorld(declare({ ...verify, [list]: both }), privateKey)
      const [first, second] = rotating.provider.keyIds()
      const byOld = await rotating.verify(await world.sign())
      const byNew = await rotating.verify(await stranger.sign())
      assert.ok(byOld.outcome === 'authentic' && byOld.keyId === second)
      assert.ok(byNew.outcome === 'authentic' && byNew.keyId === first)
    })

    it('holds the window open on both sides and to the millisecond', async () => {
      const callback = await world.sign()
      for (const side of [-1, 1]) {
        assert.equal(await world.reason(callback, now + side * 300_000), 'authentic')
        assert.equal(await world.reason(callback, now + side * 300_001), 'outside-window')
      }
    })

    it('tells a late but rightly signed callback from a forged one', async () => {
      assert.equal(await world.reason(await world.sign({ now: now - 86_400_000 })), 'outside-window')
      assert.equal(await world.reason(await stranger.sign({ now: now - 86_400_000 })), 'signature-wrong')
    })

    it('refuses what is missing, empty, wrong or by another key', async () => {
      const callback = await world.sign()
      const { [header]: signature = '', ...rest } = callback.headers
      const withSignature = (value: string) => ({ ...callback, headers: { ...rest, [header]: value } })
      assert.equal(await world.reason({ ...callback, headers: rest }), 'signature-missing')
      assert.equal(await world.reason(withSignature('')), 'signature-missing')
      assert.equal(await world.reason(withSignature('no signature!')), 'signature-malformed')
      assert.equal(await world.reason(withSignature(`${signature}, ${signature}`)), 'signature-malformed')
      // A list may have spaces around its items.
      const spaced = verify.signaturePart === undefined ? 'signature-malformed' : 'authentic'
      assert.equal(await world.reason(withSignature(` ${signature}`)), spaced)
      assert.equal(await world.reason(await world.sign({ wrongSignature: true })), 'signature-wrong')
      assert.equal(await world.reason(await stranger.sign()), 'signature-wrong')
      assert.equal(await world.reason({ ...callback, body: '' }), 'signature-wrong')
      assert.equal(
        await world.reason({ ...callback, body: callback.body.replace('25', '95') }),
        'signature-wrong',
      )
    })

    it('refuses any change of any byte of body, signature and timestamp, and never throws', async () => {
      const callback = await world.sign()
      const body: Buffer = Buffer.from(callback.body)
      const names = [header, 'x-timestamp', 'x-request-id'].filter((name) => callback.headers[name])
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('body', ...names),
          fc.nat(10_000),
          fc.integer({ min: 1, max: 255 }),
          async (where, at, mask) => {
            const changed = { headers: { ...callback.headers }, body }
            if (where === 'body') changed.body = flip(body, at, mask)
            else {
              const value = Buffer.from(callback.headers[where] ?? '', 'latin1')
              changed.headers[where] = flip(value, at, mask).toString('latin1')
            }
            const verification = await world.verify(changed)
            assert.equal(verification.outcome, 'refused')
          },
        ),
        { numRuns: 200 },
      )
    })

    it('refuses any text for a header, and never throws', async () => {
      const callback = await world.sign()
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), fc.uint8Array(), async (text, body) => {
          const headers = { ...callback.headers, [header]: text }
          assert.equal((await world.verify({ headers, body: Buffer.from(body) })).outcome, 'refused')
        }),
      )
    })
  })
}

describe('generic verification: what is signed', () => {
  const hmac = (text: string | Buffer) => createHmac('sha256', secret).update(text).digest('hex')
  const seconds = String(now / 1000)

  it('is the bytes of the body, also where they are no text', async () => {
    const world = createWorld(declare({ ...acmeVerify, signed: '{body}', timestampHeader: undefined }))
    const body = Buffer.from([0xff, 0xfe, 0x00, 0x80])
    const headers = { 'x-signature': `sha256=${hmac(body)}` }
    assert.equal(await world.reason({ headers, body }), 'authentic')
    assert.equal(
      await world.reason({ headers, body: Buffer.from([0xfd, 0xfe, 0x00, 0x80]) }),
      'signature-wrong',
    )
  })

  it('cannot be cut in two ways: a header that holds what sets it apart is refused', async () => {
    const world = createWorld(
      declare({ ...acmeVerify, signed: '{header:x-id}.{body}', timestampHeader: undefined }),
    )
    const sign = (text: string) => ({ 'x-signature': `sha256=${hmac(text)}` })
    const whole = 'id-1.first.second'
    assert.equal(
      await world.reason({ headers: { ...sign(whole), 'x-id': 'id-1' }, body: 'first.second' }),
      'authentic',
    )
    assert.equal(
      await world.reason({ headers: { ...sign(whole), 'x-id': 'id-1.first' }, body: 'second' }),
      'nonce-missing',
    )
    assert.equal(await world.reason({ headers: sign(whole), body: 'first.second' }), 'nonce-missing')
  })

  it('cannot be cut in two ways: milliseconds are not seconds and the beginning of a body', async () => {
    const verify = { ...acmeVerify, signed: '{timestamp}{body}' }
    assert.throws(() => declare(verify), /timestampFormat: It is required/)
    const timestamp = String(now)
    const signature = { 'x-signature': `sha256=${hmac(`${timestamp}{}`)}` }
    const cut = {
      headers: { ...signature, 'x-timestamp': timestamp.slice(0, 10) },
      body: `${timestamp.slice(10)}{}`,
    }
    const world = createWorld(declare({ ...verify, timestampFormat: 'unix-milliseconds' }))
    assert.equal(await world.reason(cut), 'timestamp-malformed')
    const whole = { headers: { ...signature, 'x-timestamp': timestamp }, body: '{}' }
    assert.equal(await world.reason(whole), 'authentic')
  })

  it('is the registered path where one is set', async () => {
    const verify = { ...acmeVerify, signed: '{path}{body}', timestampHeader: undefined }
    const world = createWorld(declare(verify, { callbackPath: '/hooks/acme' }))
    const headers = { 'x-signature': `sha256=${hmac('/hooks/acme{}')}` }
    assert.equal(await world.reason({ headers, body: '{}' }), 'authentic')
    assert.equal(await createWorld(declare(verify)).reason({ headers, body: '{}' }), 'signature-wrong')
  })

  it('takes a timestamp in each form by its shape, and in the declared form alone', async () => {
    const reason = async (timestamp: string, timestampFormat?: string) => {
      const world = createWorld(declare({ ...acmeVerify, timestampFormat }))
      const headers = { 'x-signature': `sha256=${hmac(`${timestamp}.{}`)}`, 'x-timestamp': timestamp }
      return world.reason({ headers, body: '{}' })
    }
    const forms = {
      'unix-seconds': seconds,
      'unix-milliseconds': String(now),
      rfc3339: '2025-03-01T12:00:00Z',
    }
    for (const [format, text] of Object.entries(forms)) {
      assert.equal(await reason(text), 'authentic', text)
      for (const declared of Object.keys(forms)) {
        assert.equal(await reason(text, declared), declared === format ? 'authentic' : 'timestamp-malformed')
      }
    }
    for (const text of [`0${seconds}`, `+${seconds}`, `${seconds}.0`, '1e9', 'now', '-5', ` ${seconds}`])
      assert.equal(await reason(text), 'timestamp-malformed', text)
  })

  it('accepts hex in capitals and not in both', async () => {
    const world = createWorld(
      declare({ ...acmeVerify, prefix: '', signed: '{body}', timestampHeader: undefined }),
    )
    const small = hmac('{}')
    const mixed = small.replace(/[a-f]/, (letter) => letter.toUpperCase())
    const verify = (signature: string) => world.reason({ headers: { 'x-signature': signature }, body: '{}' })
    assert.equal(await verify(small), 'authentic')
    assert.equal(await verify(small.toUpperCase()), 'authentic')
    assert.equal(await verify(mixed), 'signature-malformed')
  })
})

describe('generic verification: several signatures in one header', () => {
  const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
  const listed = { ...acmeVerify, signed: '{body}', timestampHeader: undefined, separator: ',' }
  const wrong = 'ab'.repeat(32)

  it('one right one is enough, wherever it stands; others are passed over', async () => {
    const world = createWorld(declare(listed))
    const right = hmac(secret, '{}')
    const reason = (text: string) => world.reason({ headers: { 'x-signature': text }, body: '{}' })
    assert.equal(await reason(`sha256=${right}`), 'authentic')
    assert.equal(await reason(`sha256=${wrong}, sha256=${right}`), 'authentic')
    assert.equal(await reason(`sha1=abcd,sha256=${right}`), 'authentic')
    assert.equal(await reason(`sha256=${wrong},sha256=${wrong}`), 'signature-wrong')
    assert.equal(await reason(`sha1=${right}`), 'signature-malformed')
    const many = Array.from({ length: 9 }, () => `sha256=${right}`).join(',')
    assert.equal(await reason(many), 'signature-malformed', 'too many cost too much')
  })

  it('named parts as Stripe sends them: one timestamp, several signatures, other schemes', async () => {
    const world = createWorld(
      declare({
        scheme: 'hmac-sha256',
        header: 'Stripe-Signature',
        signed: '{timestamp}.{body}',
        signaturePart: 'v1',
        timestampPart: 't',
        secrets: [secret],
      }),
    )
    const t = String(now / 1000)
    const v1 = hmac(secret, `${t}.{}`)
    const reason = (text: string) => world.reason({ headers: { 'stripe-signature': text }, body: '{}' })
    assert.equal(await reason(`t=${t},v1=${v1}`), 'authentic')
    assert.equal(await reason(`t=${t},v1=${wrong},v1=${v1},v0=${wrong}`), 'authentic')
    assert.equal(await reason(`t=${t},v0=${v1}`), 'signature-malformed')
    assert.equal(await reason(`v1=${v1}`), 'timestamp-missing')
    assert.equal(await reason(`t=${t},t=${t},v1=${v1}`), 'signature-malformed')
    assert.equal(await reason(`t=${Number(t) + 1},v1=${v1}`), 'signature-wrong')
  })
})
