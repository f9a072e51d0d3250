/**
 * The keys of the make-believe platform: a public key, certificates, or both while a merchant goes over from the one to
 * the other. An answer is signed with the kind of key that the request names; among certificates the newest signs and
 * all are listed, so that what an old one encrypted is still read.
 */
import { constants, type KeyObject, privateDecrypt, X509Certificate } from 'node:crypto'
import { isPublicKeyId, normaliseKeySerial } from '../../domain/key-serial.ts'
import { decodeBase64 } from '../../providers/wechatpay/signature.ts'
import { makeCertificate } from '../certificate.ts'

export interface PlatformKeyPair {
  /** As it stands in `Wechatpay-Serial`. */
  serial: string
  privateKey: KeyObject
}

export interface PlatformCertificate extends PlatformKeyPair {
  pem: string
  from: number
  until: number
}

export interface Platform {
  /** The key that answers a request which names this one; the newest of its kind. */
  signerFor(named: string | undefined): PlatformKeyPair
  /** While both kinds are held callbacks go over from the one to the other by and by. */
  callbackSigner(share: number): PlatformKeyPair
  find(serial: string): PlatformKeyPair | undefined
  certificates(): readonly PlatformCertificate[]
  publicKeys(): { serial: string; pem: string }[]
  /** Where there are certificates: a new one begins to sign, and the old ones are still good. */
  rotate(certificate: PlatformCertificate): void
}

export interface PlatformHeld {
  publicKey?: (PlatformKeyPair & { publicKey: KeyObject }) | undefined
  certificates?: readonly PlatformCertificate[] | undefined
}

export function createPlatform(held: PlatformHeld): Platform {
  const { publicKey } = held
  const certificates = [...(held.certificates ?? [])]
  const newest = () => certificates.at(-1)

  function find(serial: string): PlatformKeyPair | undefined {
    if (publicKey?.serial === serial) return publicKey
    const wanted = normaliseKeySerial(serial)
    return certificates.find((one) => normaliseKeySerial(one.serial) === wanted)
  }

  function pick(preferred: PlatformKeyPair | undefined): PlatformKeyPair {
    const key = preferred ?? newest() ?? publicKey
    if (!key) throw new Error('The sandbox has no platform key.')
    return key
  }

  return {
    find,
    signerFor: (named) => pick(named !== undefined && isPublicKeyId(named) ? publicKey : undefined),
    callbackSigner: (share) => pick(share < 0.5 ? publicKey : undefined),
    certificates: () => certificates,
    publicKeys: () =>
      publicKey
        ? [
            {
              serial: publicKey.serial,
              pem: publicKey.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
            },
          ]
        : [],
    rotate: (certificate) => void certificates.push(certificate),
  }
}

const dayMs = 24 * 3600_000
const validMs = 5 * 365 * dayMs

/** Valid for five years, as the platform's are. */
export function issueCertificate(serial: string, privateKey: KeyObject, now: number): PlatformCertificate {
  const pem = makeCertificate({
    privateKey,
    serial,
    commonName: 'Sandbox of WeChat Pay',
    validFrom: now - dayMs,
    validUntil: now + validMs,
  })
  const { serialNumber, validFrom, validTo } = new X509Certificate(pem)
  return { serial: serialNumber, privateKey, pem, from: Date.parse(validFrom), until: Date.parse(validTo) }
}

/** What a merchant encrypted field by field; undefined where it is not for this key. */
export function openField(text: string, { privateKey }: PlatformKeyPair): string | undefined {
  const bytes = decodeBase64(text)
  if (!bytes) return undefined
  try {
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
    return privateDecrypt({ key: privateKey, ...padding }, bytes).toString('utf8')
  } catch {
    return undefined
  }
}
