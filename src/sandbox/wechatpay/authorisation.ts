/**
 * Is this request the merchant's? The signature covers method, path with query, time, nonce and body, each as it
 * travelled. Everything that is wrong here is 401 SIGN_ERROR; which of it, the detail says, since somebody is looking for it.
 */
import { type KeyObject, verify } from 'node:crypto'
import { normaliseKeySerial } from '../../domain/key-serial.ts'
import { decodeBase64 } from '../../providers/wechatpay/signature.ts'
import { type Problem, paramError, problems } from './problem.ts'

export interface Merchant {
  mchid: string
  /** Of its API certificate. */
  serialNo: string
  publicKey: KeyObject
}

export interface ReceivedRequest {
  method: string
  /** As it was sent. */
  pathAndQuery: string
  body: Uint8Array
  header: (name: string) => string | undefined
}

const scheme = 'WECHATPAY2-SHA256-RSA2048'
const names = ['mchid', 'nonce_str', 'timestamp', 'serial_no', 'signature'] as const
type Pairs = Record<(typeof names)[number], string>

const toleranceSeconds = 300

export function findProblem(request: ReceivedRequest, merchant: Merchant, now: number): Problem | undefined {
  const header = request.header('authorization')
  if (header === undefined) return problems.sign('The header is missing.')
  const pairs = readPairs(header)
  if (!pairs) return problems.sign(`It is not ${scheme} with ${names.join(', ')}, each once and in quotes.`)
  return findPairProblem(pairs, merchant, now) ?? findSignatureProblem(request, pairs, merchant)
}

function readPairs(header: string): Pairs | undefined {
  const at = header.indexOf(' ')
  if (header.slice(0, at) !== scheme) return undefined
  const found = header
    .slice(at + 1)
    .split(',')
    .map((pair) => /^([a-z_]+)="([^"]*)"$/.exec(pair))
  const pairs = new Map(found.map((pair) => [pair?.[1], pair?.[2]]))
  const whole = found.length === names.length && names.every((name) => pairs.get(name))
  return whole ? (Object.fromEntries(pairs) as Pairs) : undefined
}

function findPairProblem(pairs: Pairs, merchant: Merchant, now: number): Problem | undefined {
  if (pairs.mchid !== merchant.mchid) return problems.sign('There is no merchant of that mchid here.')
  if (normaliseKeySerial(pairs.serial_no) !== normaliseKeySerial(merchant.serialNo))
    return problems.sign("serial_no is not that of the merchant's API certificate.")
  if (!/^[0-9A-Za-z]{1,32}$/.test(pairs.nonce_str))
    return problems.sign('nonce_str has other than 1 to 32 letters and digits.')
  if (!/^[1-9][0-9]{9,11}$/.test(pairs.timestamp)) return problems.sign('timestamp is not in seconds.')
  if (Math.abs(now / 1000 - Number(pairs.timestamp)) >= toleranceSeconds)
    return problems.sign('timestamp is more than five minutes off.')
  return undefined
}

function findSignatureProblem(
  request: ReceivedRequest,
  pairs: Pairs,
  merchant: Merchant,
): Problem | undefined {
  const signature = decodeBase64(pairs.signature)
  if (!signature) return problems.sign('signature is not whole base64.')
  const head = [request.method, request.pathAndQuery, pairs.timestamp, pairs.nonce_str]
  const signed = Buffer.concat([
    Buffer.from(head.map((line) => `${line}\n`).join('')),
    request.body,
    Buffer.from('\n'),
  ])
  return verify('sha256', signed, merchant.publicKey, signature)
    ? undefined
    : problems.sign('The signature does not fit method, path with query, timestamp, nonce_str and body.')
}

/** What else every request must bring. */
export function findHeaderProblem({ body, header }: ReceivedRequest): Problem | undefined {
  if (!header('user-agent')) return paramError('header', 'User-Agent', 'It is missing.')
  const accept = header('accept') ?? ''
  if (!/application\/json|\*\/\*/.test(accept))
    return paramError('header', 'Accept', 'It must be application/json.')
  if (body.length > 0 && !/^application\/json\b/i.test(header('content-type') ?? ''))
    return paramError('header', 'Content-Type', 'It must be application/json.')
  return undefined
}
