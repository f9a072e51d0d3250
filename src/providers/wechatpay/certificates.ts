/**
 * Fetches the platform certificates: `GET /v3/certificates`, signed as every request. The answer may be signed by a
 * certificate that it brings itself, so it is opened first, which proves it by the APIv3 key, and its signature is
 * checked then, with a key of the answer or one that is held. What does not prove right is thrown away whole.
 */
import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { normaliseKeySerial } from '../../domain/key-serial.ts'
import type { Fetch } from '../provider.ts'
import { readJson } from '../read-json.ts'
import { type MerchantCredentials, type PlatformKey, type WechatpayAccount, writeSerial } from './account.ts'
import { decrypt, encryptedSchema } from './decrypt.ts'
import { authorise, headerNames, makeNonce } from './signature.ts'
import { checkSignature, readSignatureHeaders } from './verify.ts'

export interface CertificatesDeps {
  account: WechatpayAccount
  credentials: MerchantCredentials
  fetch: Fetch
  clock: () => number
  randomBytes: (count: number) => Uint8Array
}

export type CertificateLoad =
  | { outcome: 'loaded'; keys: PlatformKey[] }
  /** The merchant has no certificates, since its public key does their work. */
  | { outcome: 'public-key-mode' }
  | { outcome: 'failed'; reason: string }

export type FindHeld = (serial: string) => PlatformKey | undefined

const path = '/v3/certificates'
const rsaBitsMin = 2048

const listSchema = z.object({
  data: z.array(z.object({ serial_no: z.string().max(64), encrypt_certificate: encryptedSchema })).max(100),
})
const errorSchema = z.object({ code: z.string().regex(/^[A-Z_]{1,64}$/) })

/** Never rejects: why it failed is for the log. `held`: the key that WeChat Pay is told of, by which it answers. */
export async function fetchCertificates(
  deps: CertificatesDeps,
  findHeld: FindHeld,
  signal: AbortSignal,
  held?: PlatformKey,
): Promise<CertificateLoad> {
  try {
    const response = await request(deps, signal, held)
    const body = new Uint8Array(await response.arrayBuffer())
    return response.status === 200 ? readList(deps, response, body, findHeld) : readError(response, body)
  } catch (error) {
    return failed(error instanceof AppError ? error.detail : 'The request failed.')
  }
}

function request(
  { account, credentials, ...deps }: CertificatesDeps,
  signal: AbortSignal,
  held: PlatformKey | undefined,
): Promise<Response> {
  const authorization = authorise(
    { method: 'GET', pathAndQuery: path, body: '' },
    {
      mchid: account.mchid,
      serialNo: credentials.serialNo,
      privateKey: credentials.privateKey,
      timestamp: Math.floor(deps.clock() / 1000),
      nonce: makeNonce(deps.randomBytes),
    },
  )
  const headers = {
    accept: 'application/json',
    'user-agent': 'tallyhook',
    ...(held && { [headerNames.serial]: writeSerial(held) }),
    authorization,
  }
  return deps.fetch(`${credentials.baseUrl}${path}`, { headers, signal })
}

function readList(
  { account, clock }: CertificatesDeps,
  response: Response,
  body: Uint8Array,
  findHeld: FindHeld,
): CertificateLoad {
  const parsed = readJson(body)
  const list = 'problem' in parsed ? undefined : listSchema.safeParse(parsed.value)
  if (!list?.success) return failed('The list of certificates is not of a form that is known.')
  const keys: PlatformKey[] = []
  for (const entry of list.data.data) {
    const opened = decrypt(entry.encrypt_certificate, account.apiV3Keys)
    if (opened.outcome === 'not-opened') return failed(opened.reason)
    const key = readCertificate(opened.plaintext, entry.serial_no)
    if (!key) return failed('The list holds what is no RSA certificate of the serial it names.')
    keys.push(key)
  }
  const problem = findProblem(account, response, body, clock(), (serial) => {
    return keys.find((key) => key.serial === serial) ?? findHeld(serial)
  })
  return problem
    ? failed(`The list of certificates is not believed (${problem}).`)
    : { outcome: 'loaded', keys }
}

function findProblem(
  { toleranceMs }: WechatpayAccount,
  response: Response,
  body: Uint8Array,
  now: number,
  findKey: FindHeld,
): string | undefined {
  const headers = readSignatureHeaders((name) => response.headers.get(name) ?? undefined)
  if ('refused' in headers) return headers.refused
  const key = findKey(headers.serial)
  if (!key || !isValid(key, now)) return 'key-unknown'
  return checkSignature(headers, { body, key, now, toleranceMs })
}

function readCertificate(pem: Buffer, named: string): PlatformKey | undefined {
  try {
    const certificate = new X509Certificate(pem)
    const serial = normaliseKeySerial(certificate.serialNumber)
    if (serial === undefined || serial !== normaliseKeySerial(named)) return undefined
    const key = certificate.publicKey
    if (key.asymmetricKeyType !== 'rsa') return undefined
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < rsaBitsMin) return undefined
    const valid = { from: Date.parse(certificate.validFrom), until: Date.parse(certificate.validTo) }
    return { serial, key, valid }
  } catch {
    return undefined
  }
}

export function isValid({ valid }: PlatformKey, now: number): boolean {
  return valid === undefined || (valid.from <= now && now <= valid.until)
}

function readError(response: Response, body: Uint8Array): CertificateLoad {
  const parsed = readJson(body)
  const error = 'problem' in parsed ? undefined : errorSchema.safeParse(parsed.value).data
  if (response.status === 404 && error?.code === 'RESOURCE_NOT_EXISTS') return { outcome: 'public-key-mode' }
  return failed(`WeChat Pay answered ${response.status}${error ? ` ${error.code}` : ''}.`)
}

function failed(reason: string): CertificateLoad {
  return { outcome: 'failed', reason }
}
