/** Callbacks as WeChat Pay would make them: the resource encrypted under the account's APIv3 key, the whole signed. */
import { createCipheriv, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import type { WechatpaySettings } from '../config/accounts/wechatpay.ts'
import { AppError } from '../domain/errors.ts'
import { headerNames, signatureType, signParts } from '../providers/wechatpay/signature.ts'
import type { CallbackSigner } from './signer.ts'
import { type EventAccount, eventKinds, formatShanghaiTime } from './wechatpay-events.ts'

export interface WechatpaySigning {
  privateKey: KeyObject
  /** What the callback names as its key; without it the first of the account's platform keys. */
  serial?: string | undefined
}

type SignedAccount = EventAccount & Pick<WechatpaySettings, 'apiV3Keys' | 'platformKeys'>

const [billFinished = ''] = Object.keys(eventKinds)

export function createWechatpaySigner(account: SignedAccount, signing: WechatpaySigning): CallbackSigner {
  const serial = signing.serial ?? account.platformKeys[0]?.serial
  if (!serial)
    throw new AppError('invalid-request', { detail: '--serial: the account has no platform key to name.' })
  const [apiV3Key] = account.apiV3Keys
  if (!apiV3Key) throw new AppError('invalid-request', { detail: 'The account has no APIv3 key.' })

  return {
    events: Object.keys(eventKinds),
    describe: (payout, event = billFinished) => {
      const kind = eventKinds[event]
      if (!kind) throw new AppError('invalid-request', { detail: `--event: there is no ${event}.` })
      const { originalType, summary } = kind
      const resource = encryptResource(kind.describe(account, payout), apiV3Key, originalType)
      return describeEvent({ eventType: event, originalType, summary, at: payout.at, resource })
    },
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
  summary?: string
  at: number
  resource: EncryptedResource
}): string {
  return JSON.stringify({
    id: randomUUID(),
    create_time: formatShanghaiTime(event.at),
    resource_type: 'encrypt-resource',
    event_type: event.eventType,
    summary: event.summary ?? '',
    resource: { ...event.resource, original_type: event.originalType },
  })
}

function strangersKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}
