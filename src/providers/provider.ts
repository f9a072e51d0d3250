/**
 * What every provider does for us. Each has a folder with the same file names: `verify` (is it genuine?), `translate`
 * (what does it say?), `ack` (how is it answered?), `account` (what is configured).
 *
 * Verification stands before the queue and reads only headers and bytes; translation stands behind it, so that a
 * mistake in it costs a replay and not a callback.
 */
import type { Observation } from '../domain/observation.ts'

export interface CallbackRequest {
  /** The path that the request came to, without its query. */
  path: string
  header(name: string): string | undefined
  body: Buffer
  /** Milliseconds; handed in, so that a test chooses it. */
  now: number
}

export type Verification =
  | { outcome: 'authentic'; keyId: string; digest: string; headers: Record<string, string> }
  | { outcome: 'refused'; reason: RefusalReason; digest: string }

export type RefusalReason =
  | 'signature-missing'
  | 'signature-wrong'
  | 'partner-missing'
  | 'partner-wrong'
  | 'timestamp-missing'
  | 'timestamp-malformed'
  /** Signed rightly, but too long ago or too far ahead. */
  | 'outside-window'

export type Translation =
  | { outcome: 'understood'; observation: Omit<Observation, 'receiptId'> }
  | { outcome: 'not-understood'; reason: string }

/** An answer in the provider's own dialect. */
export interface Ack {
  contentType: string
  body: string
}

export interface AccountProvider {
  account: string
  provider: 'zenospay'
  /** From the end of the headers to the answer. */
  budgetMs: number
  verify(request: CallbackRequest): Verification
  translate(body: Buffer): Translation
  accepted: Ack
  /** For any answer but 2xx. It says no more than an attacker may know. */
  refused(message: string): Ack
}
