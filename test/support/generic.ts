/** A generic account from its declaration, as the configuration reads it, and callbacks signed for it. */

import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type GenericSettings, genericSchema, resolveGeneric } from '../../src/config/accounts/generic.ts'
import { createGeneric } from '../../src/providers/generic/index.ts'
import type { AccountProvider, CallbackRequest, Fetch, Verification } from '../../src/providers/provider.ts'
import { createGenericSigner } from '../../src/sandbox/generic-signer.ts'
import type { SignedCallback } from '../../src/sandbox/signed-callback.ts'
import type { Payout, SignerOptions } from '../../src/sandbox/signer.ts'

export const secret = 'an-honest-16-byte-or-longer-value-1'
export const otherSecret = 'quite-another-value-of-that-length-2'

/** INTERFACE.md's own. */
export const acmeVerify = {
  scheme: 'hmac-sha256',
  header: 'x-signature',
  encoding: 'hex',
  prefix: 'sha256=',
  signed: '{timestamp}.{body}',
  timestampHeader: 'x-timestamp',
  secrets: [secret],
}
export const acmeTranslate = {
  reference: '/data/ref',
  providerReference: '/data/id',
  amount: '/data/amount',
  currency: '/data/currency',
  status: '/data/status',
  occurredAt: '/data/at',
  statuses: { paid: 'succeeded', rejected: 'failed', open: 'pending' },
}

type Draft = Record<string, unknown>

export function declare(verify: Draft, fields: Draft = {}, env: NodeJS.ProcessEnv = {}): GenericSettings {
  const draft = {
    id: 'acme',
    provider: 'generic',
    currency: 'EUR',
    translate: acmeTranslate,
    verify,
    ...fields,
  }
  return resolveGeneric(genericSchema.parse(draft), 'accounts[0]', { folder: '/nowhere', env })
}

export const noFetch: Fetch = async () => {
  throw new Error('Nothing is fetched in this test.')
}

export const now = Date.parse('2025-03-01T12:00:00Z')
export const path = '/callbacks/acme'

export function payoutOf(fields: Partial<Payout> = {}): Payout {
  const at = Date.parse('2025-03-01T11:59:00Z')
  return {
    reference: 'ref-1',
    providerReference: fields.reference === undefined ? 'px-1' : `px-of-${fields.reference}`,
    amount: '25.00',
    accountNumber: '0000000000',
    openid: '',
    status: 'paid',
    at,
    ...fields,
  }
}

export function requestOf(
  { headers, body }: { headers: Record<string, string>; body: string | Buffer },
  at = now,
): CallbackRequest {
  return { path, header: (name) => headers[name], body: Buffer.from(body), now: at }
}

export function reasonOf(verification: Verification): string {
  return verification.outcome === 'refused' ? verification.reason : verification.outcome
}

export interface World {
  account: GenericSettings
  provider: AccountProvider
  body: string
  sign(options?: Partial<SignerOptions>, body?: string): Promise<SignedCallback>
  verify(
    callback: { headers: Record<string, string>; body: string | Buffer },
    at?: number,
  ): Promise<Verification>
  reason(callback: { headers: Record<string, string>; body: string | Buffer }, at?: number): Promise<string>
}

export function createWorld(account: GenericSettings, privateKey?: KeyObject, fetcher = noFetch): World {
  const provider = createGeneric(account, { fetch: fetcher })
  const signer = createGenericSigner(account, () => {
    if (!privateKey) throw new Error('No private key is needed here.')
    return privateKey
  })
  const body = signer.describe(payoutOf())
  const verify: World['verify'] = async (callback, at) => provider.verify(requestOf(callback, at))
  return {
    account,
    provider,
    body,
    sign: async (options = {}, text = body) => signer.sign(text, { path, now, ...options }),
    verify,
    reason: async (callback, at) => reasonOf(await verify(callback, at)),
  }
}

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ed = generateKeyPairSync('ed25519')
export const otherEd = generateKeyPairSync('ed25519')
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })

export function pemOf(key: KeyObject): string {
  return key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString()
}

export function digestOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

/** The same bytes with one of them changed. */
export function flip(bytes: Buffer, at: number, mask: number): Buffer {
  const changed = Buffer.from(bytes)
  const index = at % changed.length
  changed[index] = (changed[index] ?? 0) ^ mask
  return changed
}
