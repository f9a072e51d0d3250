/** An account at any provider, by declaration alone, as plain values. Its settings are checked before they come here. */
import type { KeyObject } from 'node:crypto'
import type { FailureCode } from '../../domain/failure.ts'
import type { ObservedStatus } from '../../domain/observation.ts'

export interface GenericAccount {
  id: string
  currency: string
  /** What `{path}` stands for; where it is not set, the path that the request came to. */
  callbackPath?: string | undefined
  verify: VerifyScheme
  translate: TranslateRules
  query?: QueryRules | undefined
  calls: { perSecond?: number | undefined; timeoutMs: number }
}

/** How it is asked about one of ours. */
export interface QueryRules {
  method: 'GET' | 'POST'
  /** An origin. */
  baseUrl: string
  /** With its query: the pieces between which the reference stands. */
  path: string[]
  /** Values, as keys: among them are credentials. */
  headers: Record<string, KeyObject>
  body?: { encoding: 'json' | 'form'; parts: string[] } | undefined
  /** A JSON Pointer: where nothing stands there, the provider knows of no such thing. */
  found?: string | undefined
  /** Of HTTP: the same. */
  notFound: number[]
  translate: TranslateRules
}

/** Several while rotating. The id is a fingerprint, or the name that the configuration gives it. */
export interface NamedKey {
  id: string
  /** A secret's bytes, or a public key. */
  key: KeyObject
}

export type VerifyScheme =
  | TemplatedScheme
  | JwsScheme
  | StandardWebhooksScheme
  | BasicScheme
  | BearerScheme
  | { scheme: 'none' }

export type Encoding = 'hex' | 'base64' | 'base64url'
export type TimestampFormat = 'unix-seconds' | 'unix-milliseconds' | 'rfc3339'

/** What is signed, piece by piece, in the order of the template. */
export type SignedPart =
  | { kind: 'literal'; text: string }
  | { kind: 'timestamp' | 'body' | 'bodySha256' | 'path' | 'method' }
  /** Set apart by the literal text beside it, which its value may not hold, or the same bytes could be cut in two ways. */
  | { kind: 'header'; name: string; before?: string | undefined; after?: string | undefined }

/** A signature over a text that is made of the request by a template. */
export interface TemplatedScheme {
  scheme: 'hmac-sha256' | 'hmac-sha512' | 'rsa-sha256' | 'ed25519'
  keys: NamedKey[]
  /** Where the signature stands. */
  header: string
  encoding: Encoding
  /** What stands before each signature, as `sha256=`. */
  prefix: string
  /** Set where the header may hold several signatures, or named parts. */
  separator?: string | undefined
  /** Of the named parts `name=value` the one, or ones, that are signatures. */
  signaturePart?: string | undefined
  signed: SignedPart[]
  timestamp?: TimestampRules | undefined
}

export interface TimestampRules {
  /** A header of its own, or a named part of the signature's header. */
  from: { header: string } | { part: string }
  /** Undefined: as its form tells. */
  format?: TimestampFormat | undefined
  toleranceMs: number
}

export type JwsAlgorithm = `${'HS' | 'RS' | 'PS' | 'ES'}${256 | 384 | 512}` | 'EdDSA'

export interface JwsScheme {
  scheme: 'jws'
  /** `compact`: the body is the JWS, or a header holds it. `detached`: a header holds it without the payload, which is the body. */
  form: 'compact' | 'detached'
  header?: string | undefined
  /** An allow-list: what the token says of itself is believed only within it. */
  algorithms: JwsAlgorithm[]
  /** Empty where they come from `jwks`. */
  keys: NamedKey[]
  jwks?: { url: string; cacheMs: number; coolDownMs: number } | undefined
  window?: { claim: 'iat' | 'exp'; in: 'payload' | 'protected'; toleranceMs: number } | undefined
}

export interface StandardWebhooksScheme {
  scheme: 'standard-webhooks'
  keys: NamedKey[]
  /** `webhook` for `webhook-id`, `webhook-timestamp`, `webhook-signature`. */
  headerPrefix: string
  toleranceMs: number
}

export interface BasicScheme {
  scheme: 'basic'
  /** Each is `username:password`. */
  keys: NamedKey[]
}

export interface BearerScheme {
  scheme: 'bearer'
  keys: NamedKey[]
  /** Where it is not `authorization`, the value is the token itself. */
  header: string
}

/** Where in the body each thing stands: JSON Pointers (RFC 6901). */
export interface TranslateRules {
  reference: string
  providerReference?: string | undefined
  amount: string
  /** `minor`: a whole number of the currency's smallest unit. */
  amountUnit: 'major' | 'minor'
  /** Undefined: the account's currency. */
  currency?: string | undefined
  status: string
  statuses: Record<string, ObservedStatus>
  occurredAt?: string | undefined
  accountNumber?: string | undefined
  /** The beneficiary's. Another than registered is only ever a warning. */
  name?: string | undefined
  /** In the unit and the currency of the amount. */
  fee?: string | undefined
  failureCode?: string | undefined
  /** The provider's own words for why, and what they are in ours. */
  failureCodes?: Record<string, FailureCode> | undefined
  failureReason?: string | undefined
}
