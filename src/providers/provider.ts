/**
 * What every provider does for us. Each has a folder with the same file names: `verify` (is it genuine?), `translate`
 * (what does it say?), `ack` (how is it answered?), `account` (what is configured).
 *
 * Verification stands before the queue and reads only headers and bytes; translation stands behind it, so that a
 * mistake in it costs a replay and not a callback.
 */
import type { Sighting } from '../domain/observation.ts'
import type { Asked } from '../domain/receipt.ts'
import type { Beneficiary } from '../domain/transfer.ts'
import type { Client } from './client.ts'

export const providerNames = ['zenospay', 'wechatpay', 'generic'] as const
export type ProviderName = (typeof providerNames)[number]

/** Whom the accounts of a provider can pay. */
export const beneficiaryKinds: Record<ProviderName, readonly Beneficiary['kind'][]> = {
  zenospay: ['bank'],
  wechatpay: ['wechatpay'],
  generic: ['bank', 'wechatpay'],
}

/**
 * Where the reference of a transfer that stands in a batch is unique, and so what a callback about it names: it alone, or the
 * batch's beside it.
 */
export const referencesUniqueIn: Record<ProviderName, 'account' | 'batch'> = {
  zenospay: 'account',
  wechatpay: 'batch',
  generic: 'account',
}

export interface CallbackRequest {
  /** The path that the request came to, without its query. */
  path: string
  /** By lower-case name; undefined also for a header that came twice, since no one can say which was signed. */
  header(name: string): string | undefined
  body: Buffer
  /** Milliseconds; handed in, so that a test chooses it. */
  now: number
}

export type Verification =
  | {
      outcome: 'authentic'
      keyId: string
      digest: string
      /** What it takes to check it again, and no credential. */
      headers: Record<string, string>
      /** Nothing proves it: the account is configured so. It moves no money and prompts a status query. */
      unverified?: true
    }
  | { outcome: 'refused'; reason: RefusalReason; digest: string }
  /** Its key may be one that we do not hold yet: the provider is told to come again. */
  | { outcome: 'keys-not-loaded'; digest: string }

export const refusalReasons = [
  'signature-missing',
  'signature-malformed',
  'signature-wrong',
  'signature-type-unknown',
  'partner-missing',
  'partner-wrong',
  'nonce-missing',
  'nonce-malformed',
  'key-missing',
  'key-unknown',
  'credentials-missing',
  'credentials-wrong',
  'timestamp-missing',
  'timestamp-malformed',
  /** Signed rightly, but too long ago or too far ahead. */
  'outside-window',
  /** Not from one of the account's configured addresses. */
  'source-not-allowed',
] as const
export type RefusalReason = (typeof refusalReasons)[number]

export type Translation =
  | { outcome: 'understood'; observation: Sighting }
  | { outcome: 'not-understood'; reason: string }

/** The reason is a sentence for who has to look: it names the place, and never a value that may be personal. */
export function notUnderstood(reason: string): Translation {
  return { outcome: 'not-understood', reason }
}

/** An answer in the provider's own dialect. */
export interface Ack {
  contentType: string
  body: string
}

/** What a provider fetches keys by: as `fetch`, and kept to where requests of ours may go. */
export type Fetch = (
  url: string,
  init: { method?: string; headers?: Headers | Record<string, string>; signal?: AbortSignal },
) => Promise<Response>

export interface AccountProvider {
  account: string
  provider: ProviderName
  /** From the end of the headers to the answer. */
  budgetMs: number
  /** At once where all it needs is at hand; a promise only where a key may have to be fetched. */
  verify(request: CallbackRequest): Verification | Promise<Verification>
  /** `asked`: set for the answer to a call of ours. */
  translate(body: Buffer, asked?: Asked): Translation
  accepted: Ack
  /** For any answer but 2xx, where the provider has a form of its own for it. It says no more than an attacker may know. */
  refused?(message: string): Ack
  /** Where the account can call its provider. */
  client?: Client | undefined
  /** Ids of the keys that may verify, in the order of the configuration. */
  keyIds(): string[]
  /**
   * Where keys have to be fetched: the first load, for which it waits a few seconds at most, and what keeps them
   * fresh. Never rejects; until it has worked, callbacks by unknown keys are told to come again.
   */
  start?(): Promise<void>
  stop?(): Promise<void>
}
