/**
 * The sandbox's folder: the keys of the make-believe providers and merchants, and a configuration of Tallyhook that goes
 * with them. Whatever is there already is used as it is: a configuration that somebody has changed stays changed.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { makeCertificate } from '../../sandbox/certificate.ts'
import type { ProviderKeys } from '../../sandbox/providers.ts'
import { partnerId, writeConfiguration } from './configuration.ts'

export interface SandboxFiles {
  keys: ProviderKeys
  configFile: string
  /** It was there, and leads elsewhere. */
  leadsElsewhere: boolean
  /** Of Tallyhook's API. */
  apiToken: string
}

const mchid = '1900000001'
const publicKeyId = 'PUB_KEY_ID_0119000000012026010100000000'
const dayMs = 86_400_000
const validMs = 5 * 365 * dayMs

export function prepareFiles(folder: string, url: string, now: number): SandboxFiles {
  const dir = resolve(folder)
  makeFolder(dir)
  const text = (name: string, make: () => string) => readOrMake(join(dir, name), make)
  const key = (name: string) => createPrivateKey(text(`${name}.key`, makeRsaKey))
  const pair = (name: string) => {
    const privateKey = key(name)
    const publicKey = createPublicKey(privateKey)
    text(`${name}.pub`, () => publicKey.export({ type: 'spki', format: 'pem' }).toString())
    return { privateKey, publicKey }
  }
  const serial = (name: string) => text(`${name}.serial`, makeSerial).trim()

  const certificate = { serial: serial('wechatpay-certificate'), privateKey: key('wechatpay-certificate') }
  text('wechatpay-certificate.pem', () =>
    makeCertificate({
      ...certificate,
      commonName: 'Sandbox of WeChat Pay',
      validFrom: now - dayMs,
      validUntil: now + validMs,
    }),
  )
  const keys: ProviderKeys = {
    zenospay: {
      partnerId,
      privateKey: pair('zenospay-provider').privateKey,
      nextPrivateKey: pair('zenospay-next').privateKey,
      merchantPublicKey: createPublicKey(key('zenospay-merchant')),
    },
    wechatpay: {
      mchid,
      serialNo: serial('wechatpay-merchant'),
      merchantPublicKey: createPublicKey(key('wechatpay-merchant')),
      apiV3Key: new Uint8Array(Buffer.from(text('wechatpay-apiv3.key', makeApiV3Key).trim())),
      publicKeyId,
      privateKey: pair('wechatpay-platform').privateKey,
      certificate,
    },
  }
  text('seal.key', makeSecret)
  text('index.key', makeSecret)
  const apiToken = text('api.token', () => `sandbox-${randomBytes(24).toString('base64url')}\n`).trim()
  const configFile = join(dir, 'tallyhook.yaml')
  const configuration = text('tallyhook.yaml', () =>
    writeConfiguration({
      url,
      mchid,
      publicKeyId,
      serialNo: keys.wechatpay.serialNo,
      certificateSerial: certificate.serial,
      tokenDigest: createHash('sha256').update(apiToken).digest('hex'),
    }),
  )
  return { keys, configFile, apiToken, leadsElsewhere: !configuration.includes(url) }
}

function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new AppError('invalid-request', { detail: `--dir: ${dir} cannot be made.`, cause })
  }
}

/** Two that start at once use what the first has made. */
function readOrMake(file: string, make: () => string): string {
  const there = readIfThere(file)
  if (there !== undefined) return there
  try {
    writeFileSync(file, make(), { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new AppError('invalid-request', { detail: `--dir: ${file} cannot be written.`, cause })
  }
  return readIfThere(file) ?? ''
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AppError('invalid-request', { detail: `--dir: ${file} cannot be read.`, cause })
  }
}

function makeRsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Forty digits, and the first bit is not set. */
function makeSerial(): string {
  return `5${randomBytes(20).toString('hex').slice(1).toUpperCase()}\n`
}

/** Letters and digits, 32 of them: its bytes are the key. */
function makeApiV3Key(): string {
  return randomBytes(16).toString('hex')
}

function makeSecret(): string {
  return randomBytes(32).toString('base64')
}
