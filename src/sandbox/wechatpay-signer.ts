/** Callbacks as WeChat Pay would make them: the resource encrypted under the account's APIv3 key, the whole signed. */
import { createCipheriv, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import type { WechatpaySettings } from '../config/accounts/wechatpay.ts'
import { AppError } from '../domain/errors.ts'
import { parseAmount } from '../domain/money.ts'
import { headerNames, signatureType, signParts } from '../providers/wechatpay/signature.ts'
import type { CallbackSigner, Payout } from './signer.ts'

export interface WechatpaySigning {
  privateKey: KeyObject
  /** What the callback names as its key; without it the first of the account's platform keys. */
  serial?: string | undefined
}

type SignedAccount = Pick<WechatpaySettings, 'mchid' | 'apiV3Keys' | 'platformKeys' | 'currency'>

export function createWechatpaySigner(account: SignedAccount, signing: WechatpaySigning): CallbackSigner {
  const serial = signing.serial ?? account.platformKeys[0]?.serial
  if (!serial)
    throw new AppError('invalid-request', { detail: '--serial: the account has no platform key to name.' })
  const [apiV3Key] = account.apiV3Keys
  if (!apiV3Key) throw new AppError('invalid-request', { detail: 'The account has no APIv3 key.' })

  return {
    describe: (payout) =>
      describeEvent({
        eventType: 'MCHTRANSFER.BILL.FINISHED',
        originalType: 'mch_payment',
        at: payout.at,
        resource: encryptResource(describeBill(account, payout), apiV3Key),
      }),
    sign: (body, { now, wrongSignature = false }) => {
      const timestamp = String(Math.floor(now / 1000))
      const nonce = randomBytes(16).toString('hex').toUpperCase()
      const key = wrongSignature ? strangersKey() : signing.privateKey
      return {
        headers: {
          'content-type': 'application/json',
          [headerNames.timestamp]: timestamp,
          [headerNames.nonce]: nonce,
          [headerNames.serial]: serial,
          [headerNames.type]: signatureType,
          [headerNames.signature]: signParts({ timestamp, nonce, body: Buffer.from(body) }, key),
        },
        body,
      }
    },
  }
}

export interface EncryptedResource {
  algorithm: string
  ciphertext: string
  associated_data: string
  nonce: string
}

export function encryptResource(
  plaintext: string,
  apiV3Key: Uint8Array,
  associatedData = 'mch_payment',
): EncryptedResource {
  const nonce = randomBytes(6).toString('hex')
  const cipher = createCipheriv('aes-256-gcm', apiV3Key, Buffer.from(nonce))
  cipher.setAAD(Buffer.from(associatedData))
  const bytes = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: bytes.toString('base64'),
    associated_data: associatedData,
    nonce,
  }
}

export function describeEvent(event: {
  eventType: string
  originalType: string
  at: number
  resource: EncryptedResource
}): string {
  return JSON.stringify({
    id: randomUUID(),
    create_time: formatShanghaiTime(event.at),
    resource_type: 'encrypt-resource',
    event_type: event.eventType,
    summary: '商家转账单据终态通知',
    resource: { ...event.resource, original_type: event.originalType },
  })
}

/** The sandbox's words for a payout's fate beside WeChat Pay's own. */
const states: Record<string, string> = { SUCCESS: 'SUCCESS', FAIL: 'FAIL', PENDING: 'PROCESSING' }

function describeBill(account: SignedAccount, payout: Payout): string {
  const amount = parseAmount(payout.amount, account.currency)
  if (!amount.ok)
    throw new AppError('invalid-request', { detail: `--amount: it cannot be read (${amount.problem}).` })
  const status = payout.status.toUpperCase()
  const state = states[status] ?? status
  const bill = JSON.stringify({
    mch_id: account.mchid,
    out_bill_no: payout.reference,
    transfer_bill_no: payout.providerReference,
    transfer_amount: amount.money.minor.toString(),
    state,
    openid: payout.openid,
    ...(state === 'FAIL' && { fail_reason: 'ACCOUNT_FROZEN' }),
    create_time: formatShanghaiTime(payout.at),
    update_time: formatShanghaiTime(payout.at),
  })
  // A number on the wire, and no float on the way to it.
  return bill.replace(/("transfer_amount":)"([0-9]+)"/, '$1$2')
}

function formatShanghaiTime(ms: number): string {
  return `${new Date(ms + 8 * 3600_000).toISOString().slice(0, 19)}+08:00`
}

function strangersKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}
