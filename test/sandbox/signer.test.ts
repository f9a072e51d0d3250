import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import type { AccountSettings } from '../../src/config/accounts/accounts.ts'
import { AppError } from '../../src/domain/errors.ts'
import { createSigner } from '../../src/sandbox/signer.ts'
import { declare, ed, secret } from '../support/generic.ts'
import { testAccount } from '../support/zenospay.ts'

const options = { path: '/callbacks/acme', now: Date.now() }

describe('callback signers', () => {
  it('say so when the private key is of another kind than the provider’s', () => {
    const account: AccountSettings = { ...testAccount, provider: 'zenospay' }
    assert.throws(
      () => createSigner(account, { privateKey: () => ed.privateKey }),
      (error) => error instanceof AppError && error.detail === '--private-key: It is not an RSA key.',
    )
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    assert.ok(createSigner(account, { privateKey: () => privateKey }).sign('{}', options))
  })

  it('send nothing stale where nothing says when it was sent: it would be a fresh callback', async () => {
    for (const verify of [
      { scheme: 'none', iKnow: true },
      { scheme: 'bearer', secrets: [secret] },
      { scheme: 'hmac-sha256', header: 'x-signature', secrets: [secret] },
      { scheme: 'jws', algorithms: ['HS256'], secrets: [secret] },
    ]) {
      const signer = createSigner(declare(verify), { privateKey: () => ed.privateKey })
      await assert.rejects(
        async () => signer.sign('{}', { ...options, stale: true }),
        /so it cannot be stale/,
      )
      assert.ok(await signer.sign('{}', options), verify.scheme)
    }
  })
})
