import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import type { Verification } from '../../../src/providers/provider.ts'
import type { PlatformKey } from '../../../src/providers/wechatpay/account.ts'
import { createPlatformKeys } from '../../../src/providers/wechatpay/platform-keys.ts'
import { headerNames } from '../../../src/providers/wechatpay/signature.ts'
import { verifyCallback } from '../../../src/providers/wechatpay/verify.ts'
import type { SignedCallback } from '../../../src/sandbox/signed-callback.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import {
  describePayout,
  newCertificate,
  now,
  oldCertificate,
  publicKeyId,
  signedBody,
  strangerKey,
  testAccount,
} from '../../support/wechatpay.ts'

const body = describePayout()

type Sent = Omit<SignedCallback, 'body'> & { body: string | Buffer }

function verify(
  callback: Sent,
  at = now,
  configured: readonly PlatformKey[] = testAccount.platformKeys,
): Verification {
  const keys = createPlatformKeys({ configured, clock: () => at, logger: silentLogger })
  const request = {
    path: '/callbacks/wx-test',
    header: (name: string) => callback.headers[name],
    body: Buffer.from(callback.body),
    now: at,
  }
  const verification = verifyCallback(testAccount, keys, request)
  assert.ok(!(verification instanceof Promise), 'nothing has to be fetched')
  return verification
}

function reasonOf(verification: Verification): string {
  return verification.outcome === 'refused' ? verification.reason : verification.outcome
}

describe('wechatpay verification', () => {
  let genuine: SignedCallback
  before(async () => {
    genuine = await signedBody(body)
  })

  const withHeader = (name: keyof typeof headerNames, value: string | undefined): Sent => {
    const { [headerNames[name]]: _, ...headers } = genuine.headers
    return { body, headers: value === undefined ? headers : { ...headers, [headerNames[name]]: value } }
  }

  it('accepts a callback by a public key, and says which', () => {
    const verification = verify(genuine)
    assert.ok(verification.outcome === 'authentic')
    assert.equal(verification.keyId, publicKeyId)
    assert.equal(verification.digest, createHash('sha256').update(body).digest('hex'))
    assert.deepEqual(Object.keys(verification.headers).sort(), Object.values(headerNames).sort())
  })

  it('accepts a callback by a platform certificate, while the public key is in use as well', async () => {
    const { privateKey, serial } = oldCertificate
    const verification = verify(await signedBody(body, { privateKey, serial }))
    assert.ok(verification.outcome === 'authentic')
    assert.equal(verification.keyId, serial)
  })

  it('takes the serial of a certificate in either case and with leading zeros, but a key id as it stands', async () => {
    const { privateKey, serial, key, valid } = newCertificate
    assert.ok(!serial.startsWith('0'), 'its certificate has a leading zero, and the number has none')
    const held = [{ serial, key, valid }]
    for (const written of [serial, serial.toLowerCase(), `0${serial}`]) {
      assert.equal(
        reasonOf(verify(await signedBody(body, { privateKey, serial: written }), now, held)),
        'authentic',
      )
    }
    assert.equal(reasonOf(verify(withHeader('serial', publicKeyId.toLowerCase()))), 'key-unknown')
  })

  it('takes the key that the serial names, and no other that would fit', async () => {
    assert.equal(reasonOf(verify(withHeader('serial', oldCertificate.serial))), 'signature-wrong')
    const crossed = await signedBody(body, { privateKey: oldCertificate.privateKey, serial: publicKeyId })
    assert.equal(reasonOf(verify(crossed)), 'signature-wrong')
  })

  it('believes a certificate within its time alone', async () => {
    const { privateKey, serial, valid } = oldCertificate
    for (const [at, expected] of [
      [valid?.from ?? 0, 'authentic'],
      [(valid?.from ?? 0) - 1000, 'key-unknown'],
      [(valid?.until ?? 0) + 1000, 'key-unknown'],
    ] as const) {
      assert.equal(reasonOf(verify(await signedBody(body, { privateKey, serial, at }), at)), expected)
    }
  })

  it('takes a callback without a signature type for RSA', () => {
    assert.equal(reasonOf(verify(withHeader('type', undefined))), 'authentic')
  })

  it('checks the bytes and not what they mean', async () => {
    const spaced = body.replaceAll(':', ': ')
    assert.equal(reasonOf(verify(await signedBody(spaced))), 'authentic')
    assert.equal(reasonOf(verify({ ...genuine, body: `${body}\n` })), 'signature-wrong')
  })

  it('holds the window open on both sides, less than the tolerance', () => {
    const sentAt = Number(genuine.headers[headerNames.timestamp]) * 1000
    for (const side of [-1, 1]) {
      assert.equal(reasonOf(verify(genuine, sentAt + side * 299_999)), 'authentic')
      assert.equal(reasonOf(verify(genuine, sentAt + side * 300_000)), 'outside-window')
    }
  })

  it('tells a late but rightly signed callback from a forged one', async () => {
    const at = now - 3_600_000
    assert.equal(reasonOf(verify(await signedBody(body, { at }))), 'outside-window')
    assert.equal(reasonOf(verify(await signedBody(body, { at, privateKey: strangerKey }))), 'signature-wrong')
  })

  describe('refuses', () => {
    const cases: [string, keyof typeof headerNames, string | undefined, string][] = [
      ['no signature', 'signature', undefined, 'signature-missing'],
      ['an empty signature', 'signature', '', 'signature-missing'],
      ['no timestamp', 'timestamp', undefined, 'timestamp-missing'],
      ['a timestamp of milliseconds', 'timestamp', String(now), 'timestamp-malformed'],
      ['a timestamp with a sign', 'timestamp', '-1', 'timestamp-malformed'],
      ['a timestamp with a line feed', 'timestamp', '1799513700\n', 'timestamp-malformed'],
      ['another timestamp', 'timestamp', '1799513701', 'signature-wrong'],
      ['no nonce', 'nonce', undefined, 'nonce-missing'],
      ['a nonce with a line feed', 'nonce', 'a\nb', 'nonce-malformed'],
      ['a nonce without end', 'nonce', 'a'.repeat(129), 'nonce-malformed'],
      ['another nonce', 'nonce', 'a', 'signature-wrong'],
      ['no serial', 'serial', undefined, 'key-missing'],
      ['an unknown certificate', 'serial', 'AB12', 'key-unknown'],
      ['an unknown public key', 'serial', 'PUB_KEY_ID_1', 'key-unknown'],
      ['a serial that is none', 'serial', '__proto__', 'key-unknown'],
      ['SM2', 'type', 'WECHATPAY2-SM2-WITH-SM3', 'signature-type-unknown'],
      ['an empty type', 'type', '', 'signature-type-unknown'],
      [
        'the type twice',
        'type',
        'WECHATPAY2-SHA256-RSA2048, WECHATPAY2-SHA256-RSA2048',
        'signature-type-unknown',
      ],
      ['a probe', 'signature', 'WECHATPAY/SIGNTEST/Zm9yZ2Vk', 'signature-malformed'],
      ['a probe that is base64', 'signature', 'WECHATPAY/SIGNTEST/Zm9yZ2Vk/', 'signature-wrong'],
      ['a signature of one byte', 'signature', 'AA==', 'signature-wrong'],
      ['base64 with loose bits', 'signature', 'AB==', 'signature-malformed'],
      ['base64 for URLs', 'signature', '_-8=', 'signature-malformed'],
    ]
    for (const [title, name, value, reason] of cases) {
      it(title, () => assert.equal(reasonOf(verify(withHeader(name, value))), reason))
    }

    it('a signature by another key', async () => {
      assert.equal(reasonOf(verify(await signedBody(body, { privateKey: strangerKey }))), 'signature-wrong')
    })

    it('a signature with a space or a line in it', () => {
      const signature = genuine.headers[headerNames.signature] ?? ''
      for (const loose of [
        ` ${signature}`,
        `${signature.slice(0, 64)}\n${signature.slice(64)}`,
        `${signature}=`,
      ]) {
        assert.equal(reasonOf(verify(withHeader('signature', loose))), 'signature-malformed')
      }
    })

    it('any change of any byte of the body, and any bit of the signature', () => {
      const bytes = Buffer.from(body)
      const signature = Buffer.from(genuine.headers[headerNames.signature] ?? '', 'base64')
      const flip = (buffer: Buffer, at: number, mask: number) => {
        const changed = Buffer.from(buffer)
        const index = at % changed.length
        changed[index] = (changed[index] ?? 0) ^ mask
        return changed
      }
      fc.assert(
        fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 255 }), (at, mask) => {
          assert.equal(reasonOf(verify({ ...genuine, body: flip(bytes, at, mask) })), 'signature-wrong')
          const changed = flip(signature, at, mask).toString('base64')
          assert.equal(reasonOf(verify(withHeader('signature', changed))), 'signature-wrong')
        }),
        { numRuns: 200 },
      )
    })

    it('any header that is not what it was, without throwing', () => {
      fc.assert(
        fc.property(
          fc.constantFrom('timestamp', 'nonce', 'signature', 'serial', 'type'),
          fc.oneof(
            fc.string(),
            fc.string({ unit: 'binary' }),
            fc.stringMatching(/^[0-9A-F]{1,40}$/),
            fc.base64String(),
            fc.nat().map(String),
          ),
          (name, value) => {
            fc.pre(value !== genuine.headers[headerNames[name]])
            assert.equal(verify(withHeader(name, value)).outcome, 'refused')
          },
        ),
        { numRuns: 500 },
      )
    })

    it('a line moved between nonce and body, which signs the same', async () => {
      // Both spell out the same signed bytes; the form of a nonce keeps them apart.
      const moved = await signedBody(`first\n${body}`)
      const nonce = moved.headers[headerNames.nonce]
      const headers = { ...moved.headers, [headerNames.nonce]: `${nonce}\nfirst` }
      assert.equal(reasonOf(verify({ headers, body })), 'nonce-malformed')
    })
  })
})
