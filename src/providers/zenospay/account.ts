import type { KeyObject } from 'node:crypto'

/** One merchant account at Zenospay, as plain values. */
export interface ZenospayAccount {
  id: string
  /** Must equal a callback's X-PARTNER-ID, and is that of our requests. */
  partnerId: string
  /** Several while rotating. The id is a fingerprint, so that an operator can tell which key still signs. */
  providerPublicKeys: { id: string; key: KeyObject }[]
  /** The registered path that the provider signs; where it is not set, the path that the request came to. */
  callbackPath?: string | undefined
  toleranceMs: number
  currency: string
  accountNumberDigitsMax: number
  /** Without them the account only listens. */
  credentials?: ZenospayCredentials | undefined
  calls: { perSecond?: number | undefined; timeoutMs: number }
}

export interface ZenospayCredentials {
  privateKey: KeyObject
  baseUrl: string
  /**
   * What stands for the body in the signature of a GET: the hash of nothing, of `{}` or of `[]`, or no hash at all. The
   * documents allow each of these readings.
   */
  getPayload: 'empty' | 'braces' | 'brackets' | 'none'
}
