import type { KeyObject } from 'node:crypto'

/** One merchant account at Zenospay, as plain values. */
export interface ZenospayAccount {
  id: string
  /** Must equal a callback's X-PARTNER-ID. */
  partnerId: string
  /** Several while rotating. The id is a fingerprint, so that an operator can tell which key still signs. */
  providerPublicKeys: { id: string; key: KeyObject }[]
  /** The registered path that the provider signs; where it is not set, the path that the request came to. */
  callbackPath?: string | undefined
  toleranceMs: number
  currency: string
}
