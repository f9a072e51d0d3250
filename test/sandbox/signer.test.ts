import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import type { AccountSettings } from '../../src/config/accounts/accounts.ts'
import { commonDefaults } from '../../src/config/accounts/common.ts'
import { AppError } from '../../src/domain/errors.ts'
import { translateCallback as translateWechatpay } from '../../src/providers/wechatpay/translate.ts'
import { translateCallback as translateZenospay } from '../../src/providers/zenospay/translate.ts'
import { createSigner, type Payout } from '../../src/sandbox/signer.ts'
import { declare, ed, secret } from '../support/generic.ts'
import { sightingOf } from '../support/translation.ts'
import { payout, testAccount as wechatpayTest } from '../support/wechatpay.ts'
import { testAccount } from '../support/zenospay.ts'

const wechatpaySettings: AccountSettings = {
  ...commonDefaults,
  ...wechatpayTest,
  provider: 'wechatpay',
  apiV3Keys: wechatpayTest.apiV3Keys.map((key) => new Uint8Array(key)),
  platformKeys: [...wechatpayTest.platformKeys],
}

const options = { path: '/callbacks/acme', now: Date.now() }

describe('callback signers', () => {
  it('say so when the private key is of another kind than the provider’s', () => {
    const account: AccountSettings = { ...commonDefaults, ...testAccount, provider: 'zenospay' }
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

  describe('write what is understood', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const keys = { privateKey: () => privateKey }

    it('of Zenospay: payouts and pay-ins', () => {
      const signer = createSigner({ ...commonDefaults, ...testAccount, provider: 'zenospay' }, keys)
      const translate = (event: string) =>
        translateZenospay(
          testAccount,
          Buffer.from(signer.describe(payout({ accountNumber: '0000000000' }), event)),
        )
      assert.deepEqual(signer.events, ['disbursement.completed', 'payment.completed'])
      assert.equal(sightingOf(translate('disbursement.completed'), 'transfer').status, 'succeeded')
      const payIn = sightingOf(translate('payment.completed'), 'collection')
      assert.equal(payIn.reference, payout().reference)
      assert.equal(payIn.transaction, payout().providerReference)
      assert.deepEqual([payIn.amount, payIn.net, payIn.fee?.minor], [payIn.net, payIn.amount, 0n])
    })

    it('of WeChat Pay: bills, batches and what was consumed of a coupon', () => {
      const signer = createSigner(wechatpaySettings, keys)
      const translate = (event?: string, fields: Partial<Payout> = {}) =>
        translateWechatpay(wechatpayTest, Buffer.from(signer.describe(payout(fields), event)))
      assert.equal(sightingOf(translate(), 'transfer').reference, payout().reference)
      const finished = sightingOf(translate('MCHTRANSFER.BATCH.FINISHED', { count: 3 }), 'batch')
      const amount = { minor: 25000n, currency: 'CNY' }
      const none = { minor: 0n, currency: 'CNY' }
      assert.equal(finished.status, 'finished')
      assert.deepEqual(finished.figures, {
        count: 3,
        succeededCount: 3,
        failedCount: 0,
        amount,
        succeededAmount: amount,
        failedAmount: none,
      })
      const failed = sightingOf(translate('MCHTRANSFER.BATCH.FINISHED', { status: 'fail' }), 'batch')
      assert.deepEqual([failed.figures?.succeededCount, failed.figures?.failedCount], [0, 1])
      const closed = sightingOf(translate('MCHTRANSFER.BATCH.CLOSED'), 'batch')
      assert.deepEqual([closed.status, closed.closeReason], ['closed', 'OVERDUE_CLOSE'])
      const used = sightingOf(translate('COUPON.USE', { couponNumber: '77', stockId: '88' }), 'coupon-use')
      assert.deepEqual([used.couponNumber, used.stockId, used.amount], ['77', '88', amount])
      assert.equal(signer.events.length, 4)
      assert.throws(() => signer.describe(payout(), 'TRANSACTION.SUCCESS'), /there is no TRANSACTION/)
    })
  })
})
