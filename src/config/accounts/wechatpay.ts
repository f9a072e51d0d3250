import { type KeyObject, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { isPublicKeyId, normaliseKeySerial } from '../../domain/key-serial.ts'
import { isLoopbackHost, readBaseUrl } from '../base-url.ts'
import { invalidConfiguration } from '../invalid.ts'
import { readRsaPrivateKey, readRsaPublicKey, readSecret, type SecretSources } from '../secrets.ts'
import {
  type CommonSettings,
  checkCurrency,
  commonFields,
  resolveCommon,
  type Secret,
  secret,
  text,
  toleranceSeconds,
} from './common.ts'
import type { WatchSettings } from './sending.ts'

export const wechatpaySchema = z.strictObject({
  ...commonFields,
  provider: z.literal('wechatpay'),
  mchid: text.regex(/^[0-9]{1,32}$/, 'It must be the digits of the merchant id.'),
  serialNo: text
    .regex(/^[0-9a-fA-F]{1,40}$/, "It must be the serial number of the merchant's API certificate, in hex.")
    .optional(),
  merchantPrivateKey: secret.optional(),
  apiV3Keys: z
    .array(secret, { error: 'It is required: a list of APIv3 keys.' })
    .min(1, 'It needs at least one key.'),
  platformKeys: z.record(z.string(), secret, { error: 'It must be keys by their serial.' }).default({}),
  baseUrl: text.optional(),
  /** For when the first does not answer. */
  spareUrl: text.optional(),
  toleranceSeconds,
})
type WechatpayFile = z.output<typeof wechatpaySchema>

export interface WechatpaySettings extends CommonSettings {
  id: string
  provider: 'wechatpay'
  mchid: string
  apiV3Keys: Uint8Array[]
  platformKeys: PlatformKeySettings[]
  credentials?: WechatpayCredentials | undefined
  toleranceMs: number
  currency: string
}

export interface WechatpayCredentials {
  serialNo: string
  privateKey: KeyObject
  baseUrl: string
  spareUrl?: string | undefined
}

export interface PlatformKeySettings {
  serial: string
  key: KeyObject
  /** Of a certificate. */
  valid?: { from: number; until: number } | undefined
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** WeChat Pay may be asked about a batch once a minute, and remembers it for 30 days. */
const usualWatch: WatchSettings = {
  firstMs: minuteMs,
  everyMs: minuteMs,
  overdueMs: dayMs,
  giveUpMs: 25 * dayMs,
}

export function resolveWechatpay(
  account: WechatpayFile,
  path: string,
  sources: SecretSources,
): WechatpaySettings {
  const { id, provider, mchid, currency, toleranceSeconds } = account
  checkCurrency(currency, path)
  if (currency !== 'CNY')
    throw invalidConfiguration(`${path}.currency`, 'It must be CNY: WeChat Pay counts in fen.')
  checkPace(account, path)
  return {
    ...resolveCommon(account, path, usualWatch),
    id,
    provider,
    mchid,
    currency,
    toleranceMs: toleranceSeconds * 1000,
    apiV3Keys: account.apiV3Keys.map((key, index) => {
      const keyPath = `${path}.apiV3Keys[${index}]`
      return readApiV3Key(readSecret(key, keyPath, sources), keyPath)
    }),
    platformKeys: readPlatformKeys(account.platformKeys, `${path}.platformKeys`, sources),
    credentials: readCredentials(account, path, sources),
  }
}

/** A server of one's own may be asked as often as one likes. */
function checkPace({ watch, baseUrl }: WechatpayFile, path: string): void {
  if (watch.everySeconds === undefined || watch.everySeconds * 1000 >= minuteMs) return
  if (baseUrl !== undefined && URL.canParse(baseUrl) && isLoopbackHost(new URL(baseUrl).hostname)) return
  throw invalidConfiguration(
    `${path}.watch.everySeconds`,
    'It must be at least 60: WeChat Pay may be asked about a batch once a minute.',
  )
}

/** All calls are made with all three, and without a platform key certificates have to be fetched. */
function readCredentials(
  account: WechatpayFile,
  path: string,
  sources: SecretSources,
): WechatpaySettings['credentials'] {
  const { serialNo, merchantPrivateKey, baseUrl } = account
  const privateKey =
    merchantPrivateKey &&
    readRsaPrivateKey(
      readSecret(merchantPrivateKey, `${path}.merchantPrivateKey`, sources),
      `${path}.merchantPrivateKey`,
    )
  const origin = baseUrl === undefined ? undefined : readBaseUrl(baseUrl, `${path}.baseUrl`)
  const spareUrl = readSpareUrl(account.spareUrl, origin, `${path}.spareUrl`)
  if (serialNo && privateKey && origin) return { serialNo, privateKey, baseUrl: origin, spareUrl }
  if (Object.keys(account.platformKeys).length === 0) {
    throw invalidConfiguration(
      `${path}.platformKeys`,
      'It needs a key, or serialNo, merchantPrivateKey and baseUrl beside it to fetch certificates with.',
    )
  }
  const missing = Object.entries({ serialNo, merchantPrivateKey, baseUrl })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name)
  if (missing.length < 3) {
    const [first = ''] = missing
    throw invalidConfiguration(
      `${path}.${first}`,
      'It is required: serialNo, merchantPrivateKey and baseUrl go together, to call WeChat Pay with.',
    )
  }
  return undefined
}

/** WeChat Pay's own two. Another host has a spare one only where it is named. */
const hosts = { main: 'https://api.mch.weixin.qq.com', spare: 'https://api2.mch.weixin.qq.com' }

function readSpareUrl(
  spareUrl: string | undefined,
  origin: string | undefined,
  path: string,
): string | undefined {
  if (spareUrl === undefined) return origin === hosts.main ? hosts.spare : undefined
  const spare = readBaseUrl(spareUrl, path)
  if (origin === undefined) throw invalidConfiguration(path, 'It stands beside baseUrl alone.')
  if (spare === origin) throw invalidConfiguration(path, 'It is the baseUrl; it must be another host.')
  return spare
}

const apiV3KeyBytes = 32
/** Printed in documents and in the tests of libraries, with what everybody types first. */
const wellKnownKeys = new Set([
  'a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb',
  '0123456789abcdef0123456789ABCDEF',
  'abcdefghijklmnopqrstuvwxyz123456',
  'abcdefghijklmnopqrstuvwxyz012345',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ123456',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
])

function readApiV3Key(text: string, path: string): Uint8Array {
  const bytes = Buffer.from(text)
  if (bytes.length !== apiV3KeyBytes) {
    throw invalidConfiguration(path, `It has ${bytes.length} bytes; an APIv3 key has ${apiV3KeyBytes}.`)
  }
  const repeats = /^(.{1,16}?)\1+$/s.test(text) || /^(.{10})\1\1..$/s.test(text)
  if (wellKnownKeys.has(text) || repeats || new Set(bytes).size < 8) {
    throw invalidConfiguration(path, 'It is well known or repeats itself; set a random one at WeChat Pay.')
  }
  return new Uint8Array(bytes)
}

function readPlatformKeys(
  keys: Record<string, Secret>,
  path: string,
  sources: SecretSources,
): PlatformKeySettings[] {
  const seen = new Set<string>()
  return Object.entries(keys).map(([named, secret]) => {
    const keyPath = `${path}.${named}`
    const serial = normaliseKeySerial(named)
    if (!serial) {
      throw invalidConfiguration(
        keyPath,
        'The serial must be PUB_KEY_ID_ and digits, or hex; put it in quotes.',
      )
    }
    if (seen.has(serial)) throw invalidConfiguration(keyPath, 'The serial stands twice.')
    seen.add(serial)
    const pem = readSecret(secret, keyPath, sources)
    const { key } = readRsaPublicKey(pem, keyPath)
    if (!pem.includes('BEGIN CERTIFICATE')) {
      if (isPublicKeyId(serial)) return { serial, key }
      throw invalidConfiguration(keyPath, 'It is a public key, whose serial is PUB_KEY_ID_ and digits.')
    }
    return { serial, key, valid: readCertificate(pem, serial, keyPath) }
  })
}

function readCertificate(pem: string, serial: string, path: string): { from: number; until: number } {
  if (isPublicKeyId(serial)) {
    throw invalidConfiguration(path, 'It is a certificate; a public key belongs under PUB_KEY_ID_.')
  }
  const certificate = new X509Certificate(pem)
  if (normaliseKeySerial(certificate.serialNumber) !== serial) {
    throw invalidConfiguration(path, `The certificate has the serial ${certificate.serialNumber}.`)
  }
  return { from: Date.parse(certificate.validFrom), until: Date.parse(certificate.validTo) }
}
