/**
 * Whether a delivery is genuine: Standard Webhooks over the bytes as they came. A body that was parsed and written again
 * has other bytes and does not pass, which is meant.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { DeliveryNotVerified } from './errors.ts'
import type { TallyhookEvent, TestEvent } from './types/events.ts'

/** What `Headers` of fetch and `req.headers` of Node.js have in common: either may be given. */
export type HeadersGiven =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

export interface VerifyOptions {
  /** How far the time of signing may lie from now: 300. */
  toleranceSeconds?: number | undefined
  /** Milliseconds since 1970. */
  clock?: (() => number) | undefined
}

/** Whoever signs with more than this is not us: a rotation has two secrets. */
const signaturesMax = 16
/** Standard Webhooks: 24 to 64 random bytes. */
const secretBytesMin = 24

/**
 * The event of a delivery. `secrets`: one, or all that may have signed it while they rotate. Throws `DeliveryNotVerified`,
 * and a TypeError where a secret is none.
 */
export function verifyDelivery(
  headers: HeadersGiven,
  rawBody: Uint8Array | string,
  secrets: string | readonly string[],
  options: VerifyOptions = {},
): TallyhookEvent | TestEvent {
  const keys = readSecrets(secrets)
  if (typeof rawBody !== 'string' && !(rawBody instanceof Uint8Array))
    throw new DeliveryNotVerified('body-not-raw')
  const id = readHeader(headers, 'webhook-id')
  const timestamp = readHeader(headers, 'webhook-timestamp')
  const signatures = readHeader(headers, 'webhook-signature')
  if (!/^\d{1,12}$/.test(timestamp)) throw new DeliveryNotVerified('malformed-header')
  if (!isSigned({ id, timestamp, rawBody, keys }, signatures))
    throw new DeliveryNotVerified('no-signature-matches')
  checkTime(Number(timestamp), options)
  return readEvent(rawBody)
}

function isSigned(
  signed: { id: string; timestamp: string; rawBody: Uint8Array | string; keys: readonly Uint8Array[] },
  header: string,
): boolean {
  const given = header
    .split(' ', signaturesMax)
    .flatMap((one) => (one.startsWith('v1,') ? [Buffer.from(one.slice('v1,'.length))] : []))
  return signed.keys.some((key) => {
    const mac = createHmac('sha256', key).update(`${signed.id}.${signed.timestamp}.`).update(signed.rawBody)
    const expected = Buffer.from(mac.digest('base64'))
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))
  })
}

/**
 * Only of what is signed rightly: nobody else learns what our clock says. Asked so that a tolerance or a clock that is no
 * number lets nothing pass.
 */
function checkTime(signedAt: number, { toleranceSeconds = 300, clock = Date.now }: VerifyOptions): void {
  const ageSeconds = clock() / 1000 - signedAt
  if (!(ageSeconds <= toleranceSeconds)) throw new DeliveryNotVerified('too-old')
  if (!(ageSeconds >= -toleranceSeconds)) throw new DeliveryNotVerified('too-new')
}

/** A type that we do not know passes: the service may be newer than this. */
function readEvent(rawBody: Uint8Array | string): TallyhookEvent | TestEvent {
  const event = parse(rawBody)
  const isEvent =
    event.specversion === '1.0' &&
    typeof event.id === 'string' &&
    typeof event.type === 'string' &&
    typeof event.data === 'object' &&
    event.data !== null &&
    (isTest(event) || (typeof event.subject === 'string' && Number.isSafeInteger(event.sequence)))
  if (!isEvent) throw new DeliveryNotVerified('not-an-event')
  return event as unknown as TallyhookEvent | TestEvent
}

function isTest(event: { type?: unknown }): boolean {
  return event.type === 'tallyhook.subscription.tested.v1'
}

/** Whether somebody pressed the button, as against something having happened. */
export function isTestEvent(event: TallyhookEvent | TestEvent): event is TestEvent {
  return isTest(event)
}

function parse(rawBody: Uint8Array | string): Record<string, unknown> {
  try {
    const text =
      typeof rawBody === 'string' ? rawBody : new TextDecoder('utf-8', { fatal: true }).decode(rawBody)
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch (cause) {
    throw new DeliveryNotVerified('not-an-event', { cause })
  }
}

function readHeader(headers: HeadersGiven, name: string): string {
  const value = findHeader(headers, name)
  if (value === undefined || value === null || value === '') throw new DeliveryNotVerified('missing-header')
  if (typeof value !== 'string') throw new DeliveryNotVerified('malformed-header')
  return value
}

function findHeader(headers: HeadersGiven, name: string): unknown {
  if (typeof headers.get === 'function') return headers.get(name)
  const found = Object.entries(headers).filter(([key]) => key.toLowerCase() === name)
  return found.length > 1 ? found : found[0]?.[1]
}

/** Throws a TypeError where one is none. */
export function readSecrets(secrets: string | readonly string[]): Uint8Array[] {
  const texts = typeof secrets === 'string' ? [secrets] : secrets
  if (texts.length === 0) throw new TypeError('`secrets` is empty: nothing could be verified.')
  return texts.map(readSecret)
}

function readSecret(secret: string): Buffer {
  const encoded = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret
  const key = Buffer.from(encoded, 'base64')
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded)
  if (!isBase64 || key.length < secretBytesMin)
    throw new TypeError(`A secret is not "whsec_" with the base64 of at least ${secretBytesMin} bytes.`)
  return key
}
