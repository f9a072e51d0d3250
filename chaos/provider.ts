/** A provider with keys of its own: callbacks that are each unique and rightly signed, and their forged twins. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { digestBody } from '../src/providers/digest.ts'
import type { ZenospayAccount } from '../src/providers/zenospay/account.ts'
import { createZenospay } from '../src/providers/zenospay/index.ts'
import { headerNames, stringToSign } from '../src/providers/zenospay/signature.ts'
import { describeDisbursement, formatJakartaTime } from '../src/sandbox/signed-callback.ts'
import { createKeyring } from '../src/seal/keyring.ts'

export interface Callback {
  digest: string
  body: Buffer
  headers: Record<string, string>
}

export const callbackPath = '/callbacks/chaos'

const signAsync = promisify(sign)
const amount = '25000.00'
const forgedAmount = '95000.00'

export type ChaosProvider = ReturnType<typeof createChaosProvider>

export function createChaosProvider() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const sealKey = randomBytes(32)
  const partnerId = 'chaos-client'
  const base: Omit<ZenospayAccount, 'providerPublicKeys'> = {
    id: 'chaos',
    partnerId,
    callbackPath,
    toleranceMs: 300_000,
    currency: 'IDR',
    accountNumberDigitsMax: 12,
    calls: { timeoutMs: 15_000 },
  }
  let made = 0

  return {
    /** The time within which this account's callbacks are answered. */
    budgetMs: createZenospay({ ...base, providerPublicKeys: [] }).budgetMs,
    /** Opens what the receiver sealed. */
    keyring: createKeyring([{ id: 'chaos', key: new Uint8Array(sealKey) }]),
    /** What the receiver is configured with. */
    configuration: {
      accounts: [
        {
          id: base.id,
          provider: 'zenospay',
          partnerId,
          callbackPath,
          currency: base.currency,
          providerPublicKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
        },
      ],
      api: { tokens: [{ id: 'chaos', sha256: digestBody(randomBytes(32)), scopes: ['ops:read'] }] },
      seal: {
        keys: [{ id: 'chaos', key: sealKey.toString('base64') }],
        indexKey: randomBytes(32).toString('base64'),
      },
    },

    async makeCallback(): Promise<Callback> {
      const number = made++
      const now = Date.now()
      const text = describeDisbursement({
        inquiryId: `inquiry-${number}`,
        reference: `RLG${String(number).padStart(8, '0')}`,
        amount,
        bankCode: '002',
        bankName: 'Bank Rakyat Indonesia',
        accountName: 'John Doe',
        accountNumber: '0000000000',
        status: 'success',
        createdAt: now,
        updatedAt: now,
      })
      const body = Buffer.from(text)
      const digest = digestBody(body)
      const timestamp = formatJakartaTime(now)
      const signed = stringToSign({ method: 'POST', path: callbackPath, bodyDigest: digest, timestamp })
      const signature = await signAsync('sha256', Buffer.from(signed), privateKey)
      const headers = {
        'content-type': 'application/json',
        'content-length': String(body.length),
        [headerNames.timestamp]: timestamp,
        [headerNames.partner]: partnerId,
        [headerNames.signature]: signature.toString('base64'),
      }
      return { digest, body, headers }
    },
  }
}

/** Another amount under a signature that is right for the first. */
export function forge({ body, headers }: Callback): Callback {
  const forged = Buffer.from(body.toString().replace(amount, forgedAmount))
  return { digest: digestBody(forged), body: forged, headers }
}
