/**
 * The make-believe WeChat Pay over real HTTP, and a merchant beside it that is written from the documents with
 * node:crypto alone: nothing of Tallyhook's own client or verification is used.
 */
import {
  constants,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  randomInt,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFates, type FateOptions } from '../../src/sandbox/fates.ts'
import { createCallbackSwitch, createSandboxApp } from '../../src/sandbox/server.ts'
import { createPlatform, issueCertificate } from '../../src/sandbox/wechatpay/platform.ts'
import { createWechatpaySandbox, type WechatpaySandboxDeps } from '../../src/sandbox/wechatpay/server.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'

const merchantPair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKeyPair = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const merchantKeys = {
  mchid: '1900000001',
  serialNo: '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB',
  privateKey: merchantPair.privateKey,
  publicKey: merchantPair.publicKey,
}
export const sandboxPublicKey = {
  serial: 'PUB_KEY_ID_0114232134912410000000000000',
  privateKey: publicKeyPair.privateKey,
  publicKey: publicKeyPair.publicKey,
}
export const sandboxCertificate = issueCertificate(
  '5A3F2B1C0D4E6F708192A3B4C5D6E7F801234567',
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  Date.now(),
)
export const sandboxApiV3Key = Buffer.from(randomBytes(16).toString('hex'))

export interface Answer {
  status: number
  headers: Headers
  text: string
  json: Record<string, unknown>
  /** By the key that it names, as a merchant would find it. */
  verified: boolean
}

export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  /** Of the key that fields are encrypted under. */
  serial?: string | undefined
  headers?: Record<string, string>
  mchid?: string
  serialNo?: string
  privateKey?: KeyObject
  at?: number
  nonce?: string
  /** What is signed, where it is not what is sent. */
  signedPath?: string
  signedBody?: string
  signal?: AbortSignal
}

export interface ReceivedCallback {
  headers: IncomingHttpHeaders
  body: string
  verified: boolean
  eventType: string
  id: string
  resource: Record<string, unknown>
}

export interface WechatpaySandboxOptions {
  mode?: 'public-key' | 'certificates' | 'both'
  fates?: Partial<FateOptions>
  clock?: () => number
  /** What the receiver answers, by how many have come. */
  answer?: (nth: number) => number
  deps?: Partial<WechatpaySandboxDeps>
}

export async function startWechatpaySandbox(options: WechatpaySandboxOptions = {}) {
  const { mode = 'both', clock = Date.now, answer = () => 200 } = options
  const platform = createPlatform({
    publicKey: mode === 'certificates' ? undefined : sandboxPublicKey,
    certificates: mode === 'public-key' ? [] : [sandboxCertificate],
  })
  const received: ReceivedCallback[] = []

  const findKey = (serial: string) => {
    if (serial === sandboxPublicKey.serial) return sandboxPublicKey.publicKey
    const held = platform.certificates().find((one) => one.serial === serial)
    return held && createPublicKey(held.pem)
  }
  const isVerified = (header: (name: string) => string | null | undefined, body: string) => {
    const [time, nonce, signature, serial] = ['timestamp', 'nonce', 'signature', 'serial'].map(
      (name) => header(`wechatpay-${name}`) ?? '',
    )
    const key = findKey(serial ?? '')
    const fresh = Math.abs(Number(time) * 1000 - clock()) < 300_000
    const bytes = Buffer.from(`${time}\n${nonce}\n${body}\n`)
    return fresh && key !== undefined && verify('sha256', bytes, key, Buffer.from(signature ?? '', 'base64'))
  }

  const receiver = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const envelope = JSON.parse(body)
    received.push({
      headers: req.headers,
      body,
      verified: isVerified((name) => req.headers[name]?.toString(), body),
      eventType: envelope.event_type,
      id: envelope.id,
      resource: JSON.parse(openResource(envelope.resource)),
    })
    res.writeHead(answer(received.length - 1)).end()
  })
  const callbackUrl = await listen(receiver)
  const callbacks = createCallbackSwitch()
  const sandbox = createWechatpaySandbox({
    merchant: merchantKeys,
    apiV3Key: sandboxApiV3Key,
    platform,
    fates: createFates({ seed: 1, delayMs: { from: 10, to: 20 }, ...options.fates }),
    callbackUrl,
    callbacksOn: callbacks.isOn,
    clock,
    fetch,
    logger: silentLogger,
    retryMs: [10, 10],
    ...options.deps,
  })
  const server = createServer(createSandboxApp({ wechatpay: sandbox, callbacks }))
  const url = await listen(server)

  async function call(one: Call): Promise<Answer> {
    const { body, headers } = writeRequest(one, clock())
    const init = { method: one.method, headers, ...(body !== '' && { body }) }
    const response = await fetch(url + one.path, { ...init, ...(one.signal && { signal: one.signal }) })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: text === '' ? {} : JSON.parse(text),
      verified: isVerified((name) => response.headers.get(name), text),
    }
  }

  return {
    url,
    platform,
    sandbox,
    callbacks,
    received,
    call,
    get: (path: string, more: Partial<Call> = {}) => call({ method: 'GET', path, ...more }),
    post: (path: string, body: unknown, more: Partial<Call> = {}) =>
      call({ method: 'POST', path, body, ...more }),
    stop() {
      sandbox.stop()
      for (const one of [server, receiver]) {
        one.closeAllConnections()
        one.close()
      }
    },
  }
}
export type TestSandbox = Awaited<ReturnType<typeof startWechatpaySandbox>>

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function writeRequest(one: Call, now: number): { body: string; headers: Record<string, string> } {
  const body =
    one.body === undefined ? '' : typeof one.body === 'string' ? one.body : JSON.stringify(one.body)
  const timestamp = Math.floor((one.at ?? now) / 1000)
  const nonce = one.nonce ?? randomBytes(16).toString('hex')
  const signed = [one.method, one.signedPath ?? one.path, timestamp, nonce, one.signedBody ?? body]
  const text = signed.map((line) => `${line}\n`).join('')
  const signature = sign('sha256', Buffer.from(text), one.privateKey ?? merchantKeys.privateKey)
  const pairs = [
    `mchid="${one.mchid ?? merchantKeys.mchid}"`,
    `nonce_str="${nonce}"`,
    `timestamp="${timestamp}"`,
    `serial_no="${one.serialNo ?? merchantKeys.serialNo}"`,
    `signature="${signature.toString('base64')}"`,
  ]
  const headers = {
    accept: 'application/json',
    'user-agent': 'merchant/1.0',
    authorization: `WECHATPAY2-SHA256-RSA2048 ${pairs.join(',')}`,
    ...(body !== '' && { 'content-type': 'application/json' }),
    ...(one.serial && { 'wechatpay-serial': one.serial }),
    ...one.headers,
  }
  return { body, headers }
}

const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }

export function encryptFor(key: KeyObject, text: string): string {
  return publicEncrypt({ key, ...oaep }, Buffer.from(text)).toString('base64')
}

export function decryptByMerchant(text: string): string {
  return privateDecrypt({ key: merchantKeys.privateKey, ...oaep }, Buffer.from(text, 'base64')).toString()
}

export const certificateKey = () => new X509Certificate(sandboxCertificate.pem).publicKey

export function openResource(resource: {
  ciphertext: string
  nonce: string
  associated_data: string
}): string {
  const bytes = Buffer.from(resource.ciphertext, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', sandboxApiV3Key, resource.nonce, { authTagLength: 16 })
  decipher.setAAD(Buffer.from(resource.associated_data)).setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString()
}

/** Two transfers without names, unless a test says otherwise. */
export function batchBody(fields: Record<string, unknown> = {}, details = batchDetails(2)) {
  return {
    sub_mchid: '1900000109',
    sub_appid: 'wxf636efh567hg4356',
    authorization_type: 'INFORMATION_AUTHORIZATION_TYPE',
    out_batch_no: newNumber(),
    batch_name: '佣金 2027-01',
    batch_remark: '佣金',
    total_amount: details.reduce((sum, { transfer_amount }) => sum + transfer_amount, 0),
    total_num: details.length,
    transfer_detail_list: details,
    ...fields,
  }
}

export interface DetailBody {
  out_detail_no: string
  transfer_amount: number
  transfer_remark: string
  openid: string
  user_name?: string
  user_id_card?: string
}

export function batchDetails(count: number, fields: Partial<DetailBody> = {}): DetailBody[] {
  return Array.from({ length: count }, (_, index) => ({
    out_detail_no: newNumber(),
    transfer_amount: 100 + index,
    transfer_remark: '佣金',
    openid: `o-${index}`,
    ...fields,
  }))
}

/** A word in front asks for a behaviour; digits end it. */
export function newNumber(prefix = 'n'): string {
  return `${prefix}${randomInt(1e9, 1e10)}`
}

export function couponBody(fields: Record<string, unknown> = {}) {
  const key = sandboxPublicKey.publicKey
  return {
    stock_id: '9856000',
    out_request_no: newNumber(),
    user_name: encryptFor(key, '张三'),
    id_card_number: encryptFor(key, '110101199003070036'),
    amount: 5000,
    appid: 'wxf636efh567hg4356',
    card_type: 'ID_CARD',
    ...fields,
  }
}
