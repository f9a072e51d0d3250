/**
 * Makes one request and believes its answer only where WeChat Pay's signature proves it, errors included. The status is
 * not signed, so nothing is concluded from it alone. Whatever is not proved may still have been done: it is unknown.
 */
import type { Call } from '../client.ts'
import type { CallbackRequest } from '../provider.ts'
import { readJson } from '../read-json.ts'
import { type MerchantCredentials, type PlatformKey, type WechatpayAccount, writeSerial } from './account.ts'
import type { PlatformKeys } from './platform-keys.ts'
import { authorise, headerNames, makeNonce } from './signature.ts'
import { readErrorCode } from './translate-refusal.ts'
import { verifyCallback } from './verify.ts'

export interface Draft {
  method: 'GET' | 'POST'
  path: string
  body?: string | undefined
  bucket: string
  /** Of orders: nothing leaves later than this. */
  notAfter?: number | undefined
}

export interface ProvedAnswer {
  outcome: 'proved'
  status: number
  body: Buffer
  keyId: string
  /** What it takes to prove it again. */
  headers: Record<string, string>
  /** An earlier attempt may have arrived as well. */
  again?: true
}

export type Sent =
  | ProvedAnswer
  | { outcome: 'unknown'; because: string }
  | { outcome: 'unsent'; because: string; retryInMs?: number }

export interface SendDeps {
  account: WechatpayAccount
  credentials: MerchantCredentials
  keys: Pick<PlatformKeys, 'find'>
  call: Call
  clock: () => number
  randomBytes: (count: number) => Uint8Array
}

/** `key`: what is encrypted in the body is encrypted under it, and answers may come by it. */
export type Send = (draft: Draft, key: PlatformKey, signal?: AbortSignal) => Promise<Sent>

export function createSend(deps: SendDeps): Send {
  return async (draft, key, signal) => {
    const { method, path, body, bucket, notAfter } = draft
    const headers = () => writeHeaders(deps, draft, key)
    // The same number with the same content is one payment, however often it comes.
    const answer = await deps.call(
      { method, path, body, headers, repeatable: true, bucket, notAfter },
      signal,
    )
    if (answer.outcome !== 'answered') return answer
    const { status, header, body: bytes, again } = answer
    const request: CallbackRequest = { path, header, body: bytes, now: deps.clock() }
    const verification = await verifyCallback(deps.account, deps.keys, request)
    if (verification.outcome === 'authentic') {
      const { keyId, headers } = verification
      return { outcome: 'proved', status, body: bytes, keyId, headers, ...(again && { again }) }
    }
    const reason = verification.outcome === 'refused' ? verification.reason : verification.outcome
    return { outcome: 'unknown', because: `${describe(status, bytes)} is not proved (${reason}).` }
  }
}

function writeHeaders(
  { account, credentials, clock, randomBytes }: SendDeps,
  { method, path, body }: Draft,
  key: PlatformKey,
): Record<string, string> {
  const authorization = authorise(
    { method, pathAndQuery: path, body: body ?? '' },
    {
      mchid: account.mchid,
      serialNo: credentials.serialNo,
      privateKey: credentials.privateKey,
      timestamp: Math.floor(clock() / 1000),
      nonce: makeNonce(randomBytes),
    },
  )
  return {
    accept: 'application/json',
    'user-agent': 'tallyhook',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    [headerNames.serial]: writeSerial(key),
    authorization,
  }
}

/** An error says most about what to mend, and a request whose signature is wrong is answered without one. */
function describe(status: number, body: Buffer): string {
  const parsed = readJson(body)
  const code = status >= 400 && 'value' in parsed ? readErrorCode(parsed.value) : undefined
  return `The answer ${status}${code ? ` ${code}` : ''}`
}
