import type { KeyObject } from 'node:crypto'
import { isPublicKeyId } from '../../domain/key-serial.ts'

/** A key of WeChat Pay's that signs callbacks and answers. */
export interface PlatformKey {
  /** As `Wechatpay-Serial` names it, in the form that `normaliseKeySerial` gives it. */
  serial: string
  key: KeyObject
  /** Set for a certificate: outside it nothing that the key signed is believed. */
  valid?: { from: number; until: number } | undefined
}

/** As `Wechatpay-Serial` has it: WeChat Pay's libraries write a certificate's number in whole bytes. */
export function writeSerial({ serial }: PlatformKey): string {
  return isPublicKeyId(serial) || serial.length % 2 === 0 ? serial : `0${serial}`
}

/** What it takes to call WeChat Pay: the merchant's side of a signed request. */
export interface MerchantCredentials {
  /** Of the merchant's own API certificate; not of a platform key. */
  serialNo: string
  privateKey: KeyObject
  /** The origin of the API. */
  baseUrl: string
  /** Another one of it, for when the first does not answer. */
  spareUrl?: string | undefined
}

/** One merchant account at WeChat Pay, as plain values. */
export interface WechatpayAccount {
  id: string
  mchid: string
  /** The first is current; the others still open what was encrypted before. */
  apiV3Keys: readonly Uint8Array[]
  /** Public keys and certificates alike. */
  platformKeys: readonly PlatformKey[]
  /** Where they are not set nothing can be called, and an unknown serial stays unknown. */
  credentials?: MerchantCredentials | undefined
  /** How long a call may take; as usual where it says nothing. */
  calls?: { timeoutMs: number } | undefined
  toleranceMs: number
  currency: string
}
