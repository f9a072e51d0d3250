/** The three ways of signing that the intake is measured with: keys, the provider that verifies, and callbacks. */
import {
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { AccountProvider } from '../src/providers/provider.ts'
import { createZenospay } from '../src/providers/zenospay/index.ts'
import { digestBody, headerNames, stringToSign } from '../src/providers/zenospay/signature.ts'
import { describeDisbursement, formatJakartaTime } from '../src/sandbox/signed-callback.ts'

export const schemeNames = ['hmac', 'zenospay'] as const
export type SchemeName = (typeof schemeNames)[number]

export const benchAccount = 'bench'
export const benchPath = `/callbacks/${benchAccount}`

export interface Scheme {
  title: string
  /** As text, since receivers are other processes. */
  makeKeys(): Keys
  createProvider(keys: Keys): AccountProvider
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

const hmac: Scheme = {
  title: 'HMAC-SHA256',
  makeKeys() {
    const secret = randomBytes(32).toString('hex')
    return { signing: secret, verifying: secret }
  },
  createProvider({ verifying }) {
    const key = createSecretKey(Buffer.from(verifying))
    const base = createZenospay({
      id: benchAccount,
      partnerId: '',
      providerPublicKeys: [],
      toleranceMs,
      currency: 'IDR',
    })
    return {
      ...base,
      verify({ header, body, now }) {
        const timestamp = header('x-timestamp') ?? ''
        const digest = digestBody(body)
        const mac = createHmac('sha256', key).update(`${timestamp}.`).update(body).digest()
        const given = Buffer.from((header('x-signature') ?? '').slice('sha256='.length), 'hex')
        if (given.length !== mac.length || !timingSafeEqual(mac, given))
          return { outcome: 'refused', reason: 'signature-wrong', digest }
        if (Math.abs(now - Number(timestamp) * 1000) > toleranceMs)
          return { outcome: 'refused', reason: 'outside-window', digest }
        return {
          outcome: 'authentic',
          keyId: 'k',
          digest,
          headers: { 'x-timestamp': timestamp, 'x-signature': header('x-signature') ?? '' },
        }
      },
    }
  },
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
    }),
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

export const schemes: Record<SchemeName, Scheme> = { hmac, zenospay }

export function describeCallback(index: number, now: number): string {
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
