import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import type { CallbackRequest, Verification } from '../../../src/providers/provider.ts'
import { stringToSign } from '../../../src/providers/zenospay/signature.ts'
import { verifyCallback } from '../../../src/providers/zenospay/verify.ts'
import { describeDisbursement, type SignedCallback } from '../../../src/sandbox/signed-callback.ts'
import { disbursement, providerKey, signedBody, strangerKey, testAccount } from '../../support/zenospay.ts'

const now = Date.parse('2025-01-10T00:55:00+07:00')
const body = describeDisbursement(disbursement())
const genuine = signedBody(body, { now })

function verify(
  callback: SignedCallback | { headers: Record<string, string>; body: Buffer },
  at = now,
  account = testAccount,
): Verification {
  const request: CallbackRequest = {
    path: '/callbacks/zeno-test',
    header: (name) => (callback.headers as Record<string, string | undefined>)[name],
    body: Buffer.from(callback.body),
    now: at,
  }
  return verifyCallback(account, request)
}

function reasonOf(verification: Verification): string {
  return verification.outcome === 'refused' ? verification.reason : 'authentic'
}

function without(name: string): SignedCallback {
  const { [name]: _, ...headers } = genuine.headers
  return { ...genuine, headers }
}

describe('zenospay verification', () => {
  it('signs the string that the documentation shows', () => {
    const bodyDigest = 'cad9d57e19305c927eae3138a3271dee13ae1c41b2b1fdf0e6915d792b3998c7'
    const parts = {
      method: 'POST',
      path: '/api/create/va',
      bodyDigest,
      timestamp: '2024-12-16T12:11:14+07:00',
    } as const
    assert.equal(stringToSign(parts), `POST:/api/create/va:${bodyDigest}:2024-12-16T12:11:14+07:00`)
  })

  it('accepts a genuine callback, and says which key signed it', () => {
    const verification = verify(genuine)
    assert.ok(verification.outcome === 'authentic')
    assert.equal(verification.keyId, testAccount.providerPublicKeys[0]?.id)
    assert.equal(verification.digest, createHash('sha256').update(body).digest('hex'))
    assert.deepEqual(Object.keys(verification.headers).sort(), [
      'path',
      'x-partner-id',
      'x-signature',
      'x-timestamp',
    ])
  })

  it('checks the bytes and not what they mean', () => {
    const spaced = body.replaceAll(':', ': ').replaceAll('/', '\\/')
    assert.equal(reasonOf(verify(signedBody(spaced, { now }))), 'authentic')
    assert.equal(reasonOf(verify({ ...genuine, body: `${body} ` })), 'signature-wrong')
  })

  it('accepts either key while they rotate', () => {
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rotating = {
      ...testAccount,
      providerPublicKeys: [{ id: 'next', key: next.publicKey }, ...testAccount.providerPublicKeys],
    }
    assert.equal(reasonOf(verify(genuine, now, rotating)), 'authentic')
    const verification = verify(signedBody(body, { now, privateKey: next.privateKey }), now, rotating)
    assert.ok(verification.outcome === 'authentic' && verification.keyId === 'next')
  })

  it('takes the path that is registered, or the one that was called where none is', () => {
    const registered = { ...testAccount, callbackPath: '/hooks/zeno' }
    assert.equal(
      reasonOf(verify(signedBody(body, { now, path: '/hooks/zeno' }), now, registered)),
      'authentic',
    )
    assert.equal(reasonOf(verify(genuine, now, registered)), 'signature-wrong')
    assert.equal(reasonOf(verify(genuine, now, { ...testAccount, callbackPath: undefined })), 'authentic')
  })

  it('holds the window open on both sides and to the millisecond', () => {
    for (const side of [-1, 1]) {
      assert.equal(reasonOf(verify(genuine, now + side * 300_000)), 'authentic')
      assert.equal(reasonOf(verify(genuine, now + side * 300_001)), 'outside-window')
    }
  })

  describe('refuses', () => {
    const cases: Record<string, [SignedCallback, string]> = {
      'no signature': [without('x-signature'), 'signature-missing'],
      'an empty signature': [
        { ...genuine, headers: { ...genuine.headers, 'x-signature': '' } },
        'signature-missing',
      ],
      'no timestamp': [without('x-timestamp'), 'timestamp-missing'],
      'no partner': [without('x-partner-id'), 'partner-missing'],
      'another partner': [signedBody(body, { now, partnerId: 'client-key2' }), 'partner-wrong'],
      'a signature by another key': [signedBody(body, { now, privateKey: strangerKey }), 'signature-wrong'],
      'a signature over another path': [
        signedBody(body, { now, path: '/callbacks/other' }),
        'signature-wrong',
      ],
      'a changed amount': [{ ...genuine, body: body.replace('25000.00', '95000.00') }, 'signature-wrong'],
      'a changed timestamp': [
        { ...genuine, headers: { ...genuine.headers, 'x-timestamp': '2025-01-10T00:55:01+07:00' } },
        'signature-wrong',
      ],
      'a timestamp that is none': [
        { ...genuine, headers: { ...genuine.headers, 'x-timestamp': 'now' } },
        'timestamp-malformed',
      ],
      'a probe that is no base64': [
        { ...genuine, headers: { ...genuine.headers, 'x-signature': 'WECHATPAY/SIGNTEST/!!' } },
        'signature-wrong',
      ],
    }
    for (const [title, [callback, reason]] of Object.entries(cases)) {
      it(title, () => assert.equal(reasonOf(verify(callback)), reason))
    }

    it('any change of any byte of the body, and any bit of the signature', () => {
      const bytes = Buffer.from(body)
      const signature = Buffer.from(genuine.headers['x-signature'] ?? '', 'base64')
      const flip = (buffer: Buffer, at: number, mask: number) => {
        const changed = Buffer.from(buffer)
        const index = at % changed.length
        changed[index] = (changed[index] ?? 0) ^ mask
        return changed
      }
      fc.assert(
        fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 255 }), (at, mask) => {
          assert.equal(
            reasonOf(verify({ headers: genuine.headers, body: flip(bytes, at, mask) })),
            'signature-wrong',
          )
          const headers = { ...genuine.headers, 'x-signature': flip(signature, at, mask).toString('base64') }
          assert.equal(reasonOf(verify({ headers, body: bytes })), 'signature-wrong')
        }),
        { numRuns: 200 },
      )
    })

    it('any header that is not what it was, without throwing', () => {
      fc.assert(
        fc.property(
          fc.constantFrom('x-signature', 'x-timestamp', 'x-partner-id'),
          fc.string(),
          (name, value) => {
            fc.pre(value !== genuine.headers[name])
            assert.notEqual(
              reasonOf(verify({ ...genuine, headers: { ...genuine.headers, [name]: value } })),
              'authentic',
            )
          },
        ),
      )
    })
  })

  it('tells a late but rightly signed callback from a forged one', () => {
    const late = signedBody(body, { now: now - 3_600_000, privateKey: providerKey })
    assert.equal(reasonOf(verify(late)), 'outside-window')
    assert.equal(
      reasonOf(verify(signedBody(body, { now: now - 3_600_000, privateKey: strangerKey }))),
      'signature-wrong',
    )
  })
})
