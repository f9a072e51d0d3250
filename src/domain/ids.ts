/**
 * Ids are branded, so that a receipt's id cannot be handed over where a transfer's is wanted. Each has a readable
 * prefix, and none has a colon or digits alone, so that every one of them may be a BullMQ job id.
 */
declare const brand: unique symbol
type Id<Name extends string> = string & { readonly [brand]: Name }

export type TransferId = Id<'transfer'>
export type BatchId = Id<'batch'>
export type CouponId = Id<'coupon'>
export type CollectionId = Id<'collection'>
export type IntentId = TransferId | BatchId | CouponId | CollectionId
/** Not an intent but a name that leads to one: a coupon's or a payout's number at the provider. */
export type AliasId = Id<'alias'>
export type ReceiptId = Id<'receipt'>
export type JobId = Id<'job'>
export type EventId = Id<'event'>
export type CaseId = Id<'case'>
export type SubscriptionId = Id<'subscription'>
/** One walk of a subscription along the log: that which follows it, or a replay. */
export type RunId = Id<'run'>
/** One replay of callbacks. */
export type ReplayId = Id<'replay'>

export interface IdMaker {
  receiptId(): ReceiptId
  jobId(): JobId
  subscriptionId(): SubscriptionId
  runId(): RunId
  replayId(): ReplayId
}

/** Crockford's alphabet: no letter that reads like a digit. It sorts as its values do. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Two letters at a time: every callback takes an id, and a letter at a time was a fortieth of its cost. */
const pairs = Array.from({ length: 1024 }, (_, i) => alphabet.charAt(i >> 5) + alphabet.charAt(i & 31))

/** More in one millisecond move on to the next one. */
const perMsMax = 0xffff

/**
 * Minted ids begin with the time and a counter within the millisecond, so that those of one process sort by age, also
 * when its clock is set back; 64 random bits keep processes apart. They are never derived from what a provider sent:
 * adding a job under the id of a failed one would silently do nothing.
 */
export function createIdMaker(clock: () => number, randomBytes: (count: number) => Uint8Array): IdMaker {
  let lastMs = 0
  let count = 0

  function mint(): string {
    const now = Math.floor(clock())
    if (now > lastMs || count === perMsMax) {
      lastMs = Math.max(now, lastMs + 1)
      count = 0
    } else {
      count++
    }
    const rest = new Uint8Array(10)
    rest[0] = count >> 8
    rest[1] = count & 0xff
    rest.set(randomBytes(8), 2)
    return encodeTime(lastMs) + encodeBytes(rest)
  }

  return {
    receiptId: () => `rc-${mint()}` as ReceiptId,
    jobId: () => `group-${mint()}` as JobId,
    subscriptionId: () => `su-${randomFirst(mint())}` as SubscriptionId,
    runId: () => `ru-${mint()}` as RunId,
    replayId: () => `rp-${mint()}` as ReplayId,
  }
}

/** Every id that was minted before this moment sorts before it. */
export function receiptIdFloor(ms: number): string {
  return `rc-${encodeTime(Math.max(0, Math.floor(ms)))}`
}

const receiptIdPattern = /^rc-[0-9a-hjkmnp-tv-z]{26}$/

export function readReceiptId(text: string): ReceiptId | undefined {
  return receiptIdPattern.test(text) ? (text as ReceiptId) : undefined
}

/** The last letters first: those are random, and the first four say where it is kept. */
function randomFirst(letters: string): string {
  return letters.slice(-4) + letters.slice(0, -4)
}

const subscriptionIdPattern = /^su-[0-9a-hjkmnp-tv-z]{26}$/

export function readSubscriptionId(text: string): SubscriptionId | undefined {
  return subscriptionIdPattern.test(text) ? (text as SubscriptionId) : undefined
}

const runIdPattern = /^ru-[0-9a-hjkmnp-tv-z]{26}$/

export function readRunId(text: string): RunId | undefined {
  return runIdPattern.test(text) ? (text as RunId) : undefined
}

const replayIdPattern = /^rp-[0-9a-hjkmnp-tv-z]{26}$/

export function readReplayId(text: string): ReplayId | undefined {
  return replayIdPattern.test(text) ? (text as ReplayId) : undefined
}

export function caseIdOfReceipt(receipt: ReceiptId): CaseId {
  return `case-${randomFirst(receipt.slice('rc-'.length))}` as CaseId
}

/**
 * Named for the event that holds the intent, or says that it drifted: so each has a case of its own, opening it twice is
 * opening it once, and it lies where the intent lies.
 */
export function caseIdOfHold(id: IntentId, sequence: number): CaseId {
  return `case-${id.slice(3)}-${sequence}` as CaseId
}

/** Of a receipt, or of an intent and the number of an event of it. */
const caseIdPattern = /^case-[0-9a-hjkmnp-tv-z]{26}(-\d{1,9})?$/

export function readCaseId(text: string): CaseId | undefined {
  return caseIdPattern.test(text) ? (text as CaseId) : undefined
}

/** One event per subject and sequence number, so the id needs no memory and two workers cannot mint different ones. */
export function eventIdOf(subject: IntentId | CaseId | SubscriptionId, sequence: number): EventId {
  return `ev-${subject}-${sequence}` as EventId
}

const subjectLetters =
  '(?:(?:tr|ba|co|pi|su)-[0-9a-hjkmnp-tv-z]{26}|case-[0-9a-hjkmnp-tv-z]{26}(?:-\\d{1,9})?)'
const subjectPattern = new RegExp(`^${subjectLetters}$`)
const eventIdPattern = new RegExp(`^ev-(${subjectLetters})-\\d{1,9}$`)

/** What events are about. */
export type SubjectId = IntentId | CaseId | SubscriptionId

export function readSubjectId(text: string): SubjectId | undefined {
  return subjectPattern.test(text) ? (text as SubjectId) : undefined
}

export function readEventId(text: string): { id: EventId; subject: SubjectId } | undefined {
  const [, subject] = eventIdPattern.exec(text) ?? []
  return subject === undefined ? undefined : { id: text as EventId, subject: subject as SubjectId }
}

/** Ten letters; ten bits at a time, since the whole does not fit the 32 bits of a shift. */
function encodeTime(ms: number): string {
  let text = ''
  for (let rest = ms, i = 0; i < 5; i++) {
    const low = rest % 1024
    text = (pairs[low] ?? '') + text
    rest = (rest - low) / 1024
  }
  return text
}

/** Five bits a letter; the input's length is a multiple of five bytes. */
export function encodeBytes(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 5) {
    const at = (offset: number) => bytes[i + offset] ?? 0
    const high = (at(0) << 12) | (at(1) << 4) | (at(2) >> 4)
    const low = ((at(2) & 15) << 16) | (at(3) << 8) | at(4)
    text += encodeTwenty(high) + encodeTwenty(low)
  }
  return text
}

function encodeTwenty(bits: number): string {
  return (pairs[bits >> 10] ?? '') + (pairs[bits & 1023] ?? '')
}
