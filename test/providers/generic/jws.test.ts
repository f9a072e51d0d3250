import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import fc from 'fast-check'
import { CompactSign, FlattenedSign } from 'jose'
import {
  createWorld,
  declare,
  ec,
  ed,
  flip,
  now,
  otherEd,
  otherRsa,
  pemOf,
  rsa,
  type World,
} from '../../support/generic.ts'

type Draft = Record<string, unknown>

const longSecret = 'a secret of sixty-four bytes, which is as long as SHA-512 is, yes'
const jws = (fields: Draft): Draft => ({ scheme: 'jws', ...fields })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })

const algorithms: [string, Draft, KeyObject | undefined][] = [
  ...['HS256', 'HS384', 'HS512'].map((name): [string, Draft, undefined] => [
    name,
    { secrets: [longSecret] },
    undefined,
  ]),
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((name): [string, Draft, KeyObject] => [
    name,
    { publicKeys: [pemOf(rsa.publicKey)] },
    rsa.privateKey,
  ]),
  ['ES256', { publicKeys: [pemOf(ec.publicKey)] }, ec.privateKey],
  ['ES384', { publicKeys: [pemOf(p384.publicKey)] }, p384.privateKey],
  ['ES512', { publicKeys: [pemOf(p521.publicKey)] }, p521.privateKey],
  ['EdDSA', { publicKeys: [pemOf(ed.publicKey)] }, ed.privateKey],
]

describe('generic verification: jws', () => {
  describe('every algorithm in every form', () => {
    for (const [name, keys, privateKey] of algorithms) {
      for (const form of [{}, { header: 'x-jws' }, { form: 'detached', header: 'x-jws' }]) {
        it(`${name} ${JSON.stringify(form)}`, async () => {
          const world = createWorld(declare(jws({ algorithms: [name], ...keys, ...form })), privateKey)
          const callback = await world.sign()
          const verification = await world.verify(callback)
          assert.ok(verification.outcome === 'authentic')
          assert.deepEqual(world.provider.keyIds(), [verification.keyId])
          const kept = 'form' in form ? ['x-jws'] : ['x-jws:detached']
          assert.deepEqual(Object.keys(verification.headers), 'header' in form ? kept : [])
          assert.equal(world.provider.translate(Buffer.from(callback.body)).outcome, 'understood')
          const forged = await world.sign({ wrongSignature: true })
          assert.equal(await world.reason(forged), 'signature-wrong')
        })
      }
    }
  })

  it('says which of two keys it was, of one kind and of two', async () => {
    const publicKeys = [pemOf(otherEd.publicKey), pemOf(rsa.publicKey), pemOf(ed.publicKey)]
    const account = declare(jws({ algorithms: ['EdDSA', 'RS256'], publicKeys }))
    const ids = createWorld(account).provider.keyIds()
    for (const [key, id] of [
      [ed.privateKey, ids[2]],
      [otherEd.privateKey, ids[0]],
      [rsa.privateKey, ids[1]],
    ] as const) {
      const world = createWorld(account, key)
      const verification = await world.verify(await world.sign())
      assert.ok(verification.outcome === 'authentic')
      assert.equal(verification.keyId, id)
    }
  })

  describe('detached', () => {
    const world = createWorld(
      declare(
        jws({ algorithms: ['EdDSA'], form: 'detached', header: 'x-jws', publicKeys: [pemOf(ed.publicKey)] }),
      ),
    )
    const body: Buffer = Buffer.from([0xff, 0x00, 0x2e, 0x80])

    async function signRaw(header: Draft, key: KeyObject = ed.privateKey): Promise<string> {
      const signed = await new FlattenedSign(body)
        .setProtectedHeader({ alg: 'EdDSA', ...header })
        .sign(key, { crit: { b64: true } })
      return `${signed.protected}..${signed.signature}`
    }
    const reason = (token: string, bytes = body) => world.reason({ headers: { 'x-jws': token }, body: bytes })

    it('signs the bytes themselves where b64 is false and critical', async () => {
      const token = await signRaw({ b64: false, crit: ['b64'] })
      assert.equal(await reason(token), 'authentic')
      assert.equal(await reason(token, flip(body, 0, 2)), 'signature-wrong')
      assert.equal(await reason(await signRaw({ b64: true, crit: ['b64'] })), 'authentic')
    })

    it('refuses b64 that is not critical, which others would read otherwise', async () => {
      for (const [b64, payload] of [
        ['false', body],
        ['"false"', body.toString('base64url')],
        ['"false"', body],
      ] as const) {
        const head = Buffer.from(`{"alg":"EdDSA","b64":${b64}}`).toString('base64url')
        const input = Buffer.concat([Buffer.from(`${head}.`), Buffer.from(payload)])
        const signature = signBytes(null, input, ed.privateKey).toString('base64url')
        assert.equal(await reason(`${head}..${signature}`), 'signature-malformed')
      }
    })

    it('refuses a token that brings a payload of its own', async () => {
      const token = await new CompactSign(body).setProtectedHeader({ alg: 'EdDSA' }).sign(ed.privateKey)
      assert.equal(await reason(token), 'signature-malformed')
    })
  })

  it('compact in a header: the body has to be the payload, byte for byte', async () => {
    const world = createWorld(
      declare(jws({ algorithms: ['EdDSA'], header: 'x-jws', publicKeys: [pemOf(ed.publicKey)] })),
      ed.privateKey,
    )
    const callback = await world.sign()
    assert.equal(await world.reason(callback), 'authentic')
    assert.equal(await world.reason({ ...callback, body: `${callback.body} ` }), 'signature-wrong')
    assert.equal(await world.reason({ ...callback, body: '' }), 'signature-wrong')
    assert.equal(
      await world.reason({ headers: {}, body: callback.headers['x-jws'] ?? '' }),
      'signature-missing',
    )
  })

  it('compact in a header: what is kept in the clear says nothing of the body, and proves it again', async () => {
    const world = createWorld(
      declare(jws({ algorithms: ['EdDSA'], header: 'x-jws', publicKeys: [pemOf(ed.publicKey)] })),
      ed.privateKey,
    )
    const callback = await world.sign()
    const verification = await world.verify(callback)
    assert.ok(verification.outcome === 'authentic')
    const { headers } = verification
    const payload = Buffer.from(callback.body).toString('base64url')
    assert.ok(!JSON.stringify(headers).includes(payload), 'the payload is left out')
    assert.equal(await world.reason({ headers, body: callback.body }), 'authentic')
    assert.equal(await world.reason({ headers, body: `${callback.body} ` }), 'signature-wrong')
  })

  describe('refuses', () => {
    const world = createWorld(
      declare(
        jws({ algorithms: ['RS256', 'EdDSA'], publicKeys: [pemOf(rsa.publicKey), pemOf(ed.publicKey)] }),
      ),
      ed.privateKey,
    )
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const payload = encode({ data: {} })
    const token = (header: unknown, signature = 'AAAA') => `${encode(header)}.${payload}.${signature}`
    const reason = (body: string) => world.reason({ headers: {}, body })

    it('alg none, in any spelling, with and without a signature', async () => {
      for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
        assert.equal(await reason(token({ alg })), 'signature-type-unknown')
        assert.equal(await reason(token({ alg }, '')), 'signature-malformed')
      }
    })

    it('HS256 with the public key as the secret', async () => {
      for (const secret of [pemOf(rsa.publicKey), `${pemOf(rsa.publicKey)}\n`]) {
        const input = `${encode({ alg: 'HS256' })}.${payload}`
        const signature = createHmac('sha256', secret).update(input).digest('base64url')
        assert.equal(await reason(`${input}.${signature}`), 'signature-type-unknown')
      }
    })

    it('an algorithm that is not on the list, though the key would do', async () => {
      const other = createWorld(
        declare(jws({ algorithms: ['PS256'], publicKeys: [pemOf(rsa.publicKey)] })),
        rsa.privateKey,
      )
      assert.equal(await world.reason(await other.sign()), 'signature-type-unknown')
      for (const alg of [undefined, null, 7, ['RS256'], {}, '__proto__', 'rs256'])
        assert.equal(await reason(token({ alg })), 'signature-type-unknown')
    })

    it('a key of its own in the header, and a stranger’s signature', async () => {
      const jwk = otherEd.publicKey.export({ format: 'jwk' })
      const signed = await new CompactSign(Buffer.from('{}'))
        .setProtectedHeader({ alg: 'EdDSA', jwk } as never)
        .sign(otherEd.privateKey)
      assert.equal(await reason(signed), 'signature-wrong')
      const stranger = await new CompactSign(Buffer.from('{}'))
        .setProtectedHeader({ alg: 'RS256' })
        .sign(otherRsa.privateKey)
      assert.equal(await reason(stranger), 'signature-wrong')
    })

    it('what has to be understood and is not', async () => {
      const signed = await new CompactSign(Buffer.from('{}'))
        .setProtectedHeader({ alg: 'EdDSA', crit: ['x'], x: 1 } as never)
        .sign(ed.privateKey, { crit: { x: true } })
      assert.equal(await reason(signed), 'signature-malformed')
      assert.equal(await reason(token({ alg: 'EdDSA', crit: [] })), 'signature-malformed')
      assert.equal(await reason(token({ alg: 'EdDSA', crit: 'b64' })), 'signature-malformed')
    })

    it('what is no JWS', async () => {
      const good = (await world.sign()).body
      assert.equal(await reason(''), 'signature-missing')
      for (const text of [
        '.',
        '..',
        'a.b',
        `${good}.x`,
        ` ${good}`,
        `${good}\n`,
        `${good}=`,
        '{"payload":""}',
      ])
        assert.equal(await reason(text), 'signature-malformed', text.slice(-8))
      assert.equal(await reason(`${encode([])}.${payload}.AAAA`), 'signature-malformed')
      assert.equal(await reason(`${encode({ alg: 'EdDSA', kid: 7 })}.${payload}.AAAA`), 'signature-malformed')
      assert.equal(await reason(`${'W1tb'.repeat(50_000)}.${payload}.AAAA`), 'signature-malformed')
    })

    it('any change of any byte, and never throws', async () => {
      const good = Buffer.from((await world.sign()).body)
      await fc.assert(
        fc.asyncProperty(fc.nat(10_000), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
          const verification = await world.verify({ headers: {}, body: flip(good, at, mask) })
          assert.equal(verification.outcome, 'refused')
        }),
        { numRuns: 300 },
      )
      await fc.assert(
        fc.asyncProperty(fc.uint8Array(), async (bytes) => {
          const verification = await world.verify({ headers: {}, body: Buffer.from(bytes) })
          assert.equal(verification.outcome, 'refused')
        }),
      )
    })
  })

  describe('time window', () => {
    const withWindow = (fields: Draft): World =>
      createWorld(
        declare(jws({ algorithms: ['EdDSA'], publicKeys: [pemOf(ed.publicKey)], ...fields })),
        ed.privateKey,
      )

    it('by iat, in the payload or in the protected header, on both sides', async () => {
      for (const timeClaimIn of ['payload', 'protected']) {
        const world = withWindow({ timeClaim: 'iat', timeClaimIn, toleranceSeconds: 60 })
        const callback = await world.sign()
        for (const side of [-1, 1]) {
          assert.equal(await world.reason(callback, now + side * 60_000), 'authentic')
          assert.equal(await world.reason(callback, now + side * 60_001), 'outside-window')
        }
        const late = await world.sign({ wrongSignature: true, now: now - 86_400_000 })
        assert.equal(await world.reason(late), 'signature-wrong')
      }
    })

    it('by exp, on one side', async () => {
      const world = withWindow({ timeClaim: 'exp', toleranceSeconds: 60 })
      const callback = await world.sign()
      assert.equal(await world.reason(callback, now - 86_400_000), 'authentic')
      assert.equal(await world.reason(callback, now + 60_000), 'authentic')
      assert.equal(await world.reason(callback, now + 60_001), 'outside-window')
    })

    it('a claim that is missing or no number is refused', async () => {
      const world = withWindow({ timeClaim: 'iat' })
      const sign = async (content: string) => {
        const signer = new CompactSign(Buffer.from(content)).setProtectedHeader({ alg: 'EdDSA' })
        return { headers: {}, body: await signer.sign(ed.privateKey) }
      }
      for (const content of ['{}', 'no json', 'null', '[]'])
        assert.equal(await world.reason(await sign(content)), 'timestamp-missing', content)
      for (const content of ['{"iat":"1"}', '{"iat":null}', '{"iat":1e999}'])
        assert.equal(await world.reason(await sign(content)), 'timestamp-malformed', content)
    })
  })
})
