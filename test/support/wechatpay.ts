/** A WeChat Pay account with keys of its own, callbacks signed by it, and its list of certificates as a real server. */
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { normaliseKeySerial } from '../../src/domain/key-serial.ts'
import { createOutboundFetch } from '../../src/outbound/fetch.ts'
import type { PlatformKey, WechatpayAccount } from '../../src/providers/wechatpay/account.ts'
import { headerNames, signParts } from '../../src/providers/wechatpay/signature.ts'
import type { SignedCallback } from '../../src/sandbox/signed-callback.ts'
import type { Payout } from '../../src/sandbox/signer.ts'
import { createWechatpaySigner, describeEvent, encryptResource } from '../../src/sandbox/wechatpay-signer.ts'

/** Both certificates of the fixtures are valid then. */
export const now = Date.parse('2027-01-10T00:55:00+08:00')

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const merchantPublicKey = merchant.publicKey
export const strangerKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

export const publicKeyId = 'PUB_KEY_ID_0114232134912410000000000000'
export const providerKey = pair.privateKey
export const apiV3Key = randomBytes(32)
export const olderApiV3Key = randomBytes(32)

export interface Certificate extends PlatformKey {
  pem: string
  privateKey: KeyObject
}

export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/wechatpay/${name}`, import.meta.url), 'utf8')
}

function readCertificate(name: string): Certificate {
  const pem = fixture(`${name}.cert.pem`)
  const certificate = new X509Certificate(pem)
  return {
    serial: normaliseKeySerial(certificate.serialNumber) ?? '',
    key: certificate.publicKey,
    valid: { from: Date.parse(certificate.validFrom), until: Date.parse(certificate.validTo) },
    pem,
    privateKey: createPrivateKey(fixture(`${name}.key.pem`)),
  }
}

export const oldCertificate = readCertificate('old')
export const newCertificate = readCertificate('new')

export const testAccount: WechatpayAccount = {
  id: 'wx-test',
  mchid: '1900000001',
  apiV3Keys: [apiV3Key, olderApiV3Key],
  platformKeys: [
    { serial: publicKeyId, key: pair.publicKey },
    { serial: oldCertificate.serial, key: oldCertificate.key, valid: oldCertificate.valid },
  ],
  toleranceMs: 300_000,
  currency: 'CNY',
}

const signerAccount = {
  mchid: testAccount.mchid,
  apiV3Keys: [apiV3Key],
  platformKeys: [...testAccount.platformKeys],
  currency: 'CNY',
}

export function payout(fields: Partial<Payout> = {}): Payout {
  return {
    reference: 'bill0000000001',
    // Another bill has another number.
    providerReference: `1330000071100999991182020050700019480001${fields.reference ?? ''}`,
    amount: '250.00',
    accountNumber: '',
    openid: 'o-MYE42l80oelYMDE34nYD456Xoy',
    status: 'SUCCESS',
    at: now,
    ...fields,
  }
}

export function describePayout(fields: Partial<Payout> = {}): string {
  return createWechatpaySigner(signerAccount, { privateKey: providerKey }).describe(payout(fields))
}

/** A callback with a plaintext of the test's own. */
export function eventOf(eventType: string, plaintext: string, key: Uint8Array = apiV3Key): string {
  const originalType = eventType.startsWith('COUPON.') ? 'coupon' : 'mch_payment'
  const resource = encryptResource(plaintext, key, originalType)
  return describeEvent({ eventType, originalType, at: now, resource })
}

export interface SignedAs {
  privateKey?: KeyObject
  serial?: string
  at?: number
}

export async function signedBody(
  body: string,
  { privateKey = providerKey, serial, at = now }: SignedAs = {},
): Promise<SignedCallback> {
  return createWechatpaySigner(signerAccount, { privateKey, serial }).sign(body, { path: '', now: at })
}

export interface CertificateServer {
  baseUrl: string
  /** What was asked, and with which headers. */
  requests: { url: string; headers: IncomingHttpHeaders }[]
  respond: (res: ServerResponse) => void
  close(): void
}

/** `GET /v3/certificates` as WeChat Pay serves it, until a test gives it bad habits. */
export async function startCertificateServer(): Promise<CertificateServer> {
  const requests: CertificateServer['requests'] = []
  const server = createServer((req, res) => {
    requests.push({ url: `${req.method} ${req.url}`, headers: req.headers })
    running.respond(res)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const running: CertificateServer = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    respond: (res) => sendList(res, {}),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  return running
}

export interface ListOptions {
  certificates?: { serial: string; pem: string }[]
  signedBy?: { serial: string; privateKey: KeyObject }
  apiV3Key?: Uint8Array
  at?: number
  /** Changes the list after it was signed. */
  tamper?: (text: string) => string
}

export function sendList(res: ServerResponse, options: ListOptions): void {
  const { certificates = [oldCertificate, newCertificate], signedBy = newCertificate, at = now } = options
  const body = JSON.stringify({
    data: certificates.map(({ serial, pem }) => ({
      serial_no: serial,
      effective_time: '2021-01-01T08:00:00+08:00',
      expire_time: '2120-01-01T08:00:00+08:00',
      encrypt_certificate: encryptResource(pem, options.apiV3Key ?? apiV3Key, 'certificate'),
    })),
  })
  const timestamp = String(Math.floor(at / 1000))
  const nonce = randomBytes(16).toString('hex')
  res.setHeader('content-type', 'application/json')
  res.setHeader(headerNames.timestamp, timestamp)
  res.setHeader(headerNames.nonce, nonce)
  res.setHeader(headerNames.serial, signedBy.serial)
  res.setHeader(
    headerNames.signature,
    signParts({ timestamp, nonce, body: Buffer.from(body) }, signedBy.privateKey),
  )
  res.end(options.tamper?.(body) ?? body)
}

/** The account with nothing configured but what it takes to fetch. */
export function fetchingAccount(baseUrl: string): WechatpayAccount & {
  credentials: NonNullable<WechatpayAccount['credentials']>
} {
  const serialNo = '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB'
  return {
    ...testAccount,
    platformKeys: [],
    credentials: { serialNo, privateKey: merchant.privateKey, baseUrl },
  }
}

export function outboundTo(baseUrl: string) {
  return createOutboundFetch({ allow: [], http: false, loopbackOrigin: baseUrl, totalMsMax: 2_000 })
}
