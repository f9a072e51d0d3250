/** The three ways of signing that the intake is measured with: keys, the provider that verifies, and callbacks. */
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { genericSchema, resolveGeneric } from '../src/config/accounts/generic.ts'
import { digestBody } from '../src/providers/digest.ts'
import { createGeneric } from '../src/providers/generic/index.ts'
import type { AccountProvider } from '../src/providers/provider.ts'
import { createWechatpay } from '../src/providers/wechatpay/index.ts'
import { signatureType, headerNames as wechatNames } from '../src/providers/wechatpay/signature.ts'
import { createZenospay } from '../src/providers/zenospay/index.ts'
import { headerNames, stringToSign } from '../src/providers/zenospay/signature.ts'
import { describeDisbursement, formatJakartaTime } from '../src/sandbox/signed-callback.ts'
import { describeEvent, encryptResource } from '../src/sandbox/wechatpay-signer.ts'
import { silentLogger } from '../src/telemetry/logger.ts'

export const schemeNames = ['hmac', 'zenospay', 'wechatpay'] as const
export type SchemeName = (typeof schemeNames)[number]

export const benchAccount = 'bench'
export const benchPath = `/callbacks/${benchAccount}`

export interface Scheme {
  title: string
  /** As text, since receivers are other processes. */
  makeKeys(): Keys
  createProvider(keys: Keys): AccountProvider
  describe(index: number, now: number): string
  sign(keys: Keys, body: string, now: number): Promise<Record<string, string>>
}
export interface Keys {
  /** What signs. */
  signing: string
  /** What verifies. */
  verifying: string
}

const signAsync = promisify(sign)
const toleranceMs = 3600_000

function makeRsaKeys(): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    signing: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    verifying: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** As the configuration file has it. */
export const describeHmacAccount = (secret: string) => ({
  id: benchAccount,
  provider: 'generic',
  currency: 'IDR',
  verify: {
    scheme: 'hmac-sha256',
    header: 'x-signature',
    prefix: 'sha256=',
    signed: '{timestamp}.{body}',
    timestampHeader: 'x-timestamp',
    toleranceSeconds: 3_600,
    secrets: [secret],
  },
  translate: {
    reference: '/data/merchant_transaction_id',
    amount: '/data/amount',
    status: '/data/status',
    statuses: { success: 'succeeded' },
  },
})

const hmac: Scheme = {
  title: 'HMAC-SHA256',
  makeKeys() {
    const secret = randomBytes(32).toString('hex')
    return { signing: secret, verifying: secret }
  },
  createProvider({ verifying }) {
    const account = genericSchema.parse(describeHmacAccount(verifying))
    const settings = resolveGeneric(account, 'bench', { folder: '.', env: {} })
    return createGeneric(settings, { fetch: () => Promise.reject(new Error('Nothing is fetched.')) })
  },
  describe: describeCallback,
  async sign({ signing }, body, now) {
    const timestamp = String(Math.floor(now / 1000))
    const mac = createHmac('sha256', signing).update(`${timestamp}.${body}`).digest('hex')
    return { 'x-timestamp': timestamp, 'x-signature': `sha256=${mac}` }
  },
}

const zenospay: Scheme = {
  title: 'Zenospay, RSA-2048',
  makeKeys: makeRsaKeys,
  createProvider: ({ verifying }) =>
    createZenospay({
      id: benchAccount,
      partnerId: 'bench-client',
      providerPublicKeys: [{ id: 'key', key: createPublicKey(verifying) }],
      callbackPath: benchPath,
      toleranceMs,
      currency: 'IDR',
      accountNumberDigitsMax: 12,
      calls: { timeoutMs: 15_000 },
    }),
  describe: describeCallback,
  async sign({ signing }, body, now) {
    const timestamp = formatJakartaTime(now)
    const bodyDigest = digestBody(Buffer.from(body))
    const text = stringToSign({ method: 'POST', path: benchPath, bodyDigest, timestamp })
    const signature = await signAsync('sha256', Buffer.from(text), signing)
    return {
      [headerNames.timestamp]: timestamp,
      [headerNames.partner]: 'bench-client',
      [headerNames.signature]: signature.toString('base64'),
    }
  },
}

const apiV3Key = randomBytes(32)
const platformKeyId = 'PUB_KEY_ID_0114232134912410000000000000'

const wechatpay: Scheme = {
  title: 'WeChat Pay, RSA-2048',
  makeKeys: makeRsaKeys,
  createProvider: ({ verifying }) =>
    createWechatpay(
      {
        id: benchAccount,
        mchid: '1900000001',
        apiV3Keys: [apiV3Key],
        platformKeys: [{ serial: platformKeyId, key: createPublicKey(verifying) }],
        toleranceMs,
        currency: 'CNY',
      },
      {
        fetch: () => Promise.reject(new Error('Nothing is fetched.')),
        clock: Date.now,
        randomBytes,
        logger: silentLogger,
      },
    ),
  describe: (index, now) =>
    describeEvent({
      eventType: 'MCHTRANSFER.BILL.FINISHED',
      originalType: 'mch_payment',
      at: now,
      resource: encryptResource(describeCallback(index, now), apiV3Key),
    }),
  async sign({ signing }, body, now) {
    const timestamp = String(Math.floor(now / 1000))
    const nonce = randomBytes(16).toString('hex')
    const signature = await signAsync('sha256', Buffer.from(`${timestamp}\n${nonce}\n${body}\n`), signing)
    return {
      [wechatNames.timestamp]: timestamp,
      [wechatNames.nonce]: nonce,
      [wechatNames.serial]: platformKeyId,
      [wechatNames.type]: signatureType,
      [wechatNames.signature]: signature.toString('base64'),
    }
  },
}

export const schemes: Record<SchemeName, Scheme> = { hmac, zenospay, wechatpay }

function describeCallback(index: number, now: number): string {
  return describeDisbursement({
    inquiryId: `inquiry-${index}`,
    reference: `RLG${String(index).padStart(8, '0')}`,
    amount: '25000.00',
    bankCode: '002',
    bankName: 'Bank Rakyat Indonesia',
    accountName: 'John Doe',
    accountNumber: '0000000000',
    status: 'success',
    createdAt: now,
    updatedAt: now,
  })
}
