import type { KeyObject } from 'node:crypto'

/** A key of WeChat Pay's that signs callbacks and answers. */
export interface PlatformKey {
  /** As `Wechatpay-Serial` names it, in the form that `normaliseKeySerial` gives it. */
  serial: string
  key: KeyObject
  /** Set for a certificate: outside it nothing that the key signed is believed. */
  valid?: { from: number; until: number } | undefined
}

/** What it takes to fetch platform certificates: the merchant's side of a signed request. */
export interface MerchantCredentials {
  /** Of the merchant's own API certificate; not of a platform key. */
  serialNo: string
  privateKey: KeyObject
  /** The origin of the API. */
  baseUrl: string
}

/** One merchant account at WeChat Pay, as plain values. */
export interface WechatpayAccount {
  id: string
  mchid: string
  /** The first is current; the others still open what was encrypted before. */
  apiV3Keys: readonly Uint8Array[]
  /** Public keys and certificates alike. */
  platformKeys: readonly PlatformKey[]
  /** Where they are not set, an unknown serial stays unknown. */
  credentials?: MerchantCredentials | undefined
  toleranceMs: number
  currency: string
}
