/**
 * Ids are branded, so that a receipt's id cannot be handed over where a transfer's is wanted. Each has a readable
 * prefix, and none has a colon or digits alone, so that every one of them may be a BullMQ job id.
 */
declare const brand: unique symbol
type Id<Name extends string> = string & { readonly [brand]: Name }

export type TransferId = Id<'transfer'>
export type ReceiptId = Id<'receipt'>
export type JobId = Id<'job'>
export type EventId = Id<'event'>

export interface IdMaker {
  receiptId(): ReceiptId
  jobId(): JobId
}

/** Crockford's alphabet: no letter that reads like a digit. It sorts as its values do. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

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
    return encodeTime(lastMs) + encodeBytes(Uint8Array.of(count >> 8, count & 0xff, ...randomBytes(8)))
  }

  return {
    receiptId: () => `rc-${mint()}` as ReceiptId,
    jobId: () => `group-${mint()}` as JobId,
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

/** One event per transfer and sequence number, so the id needs no memory and two workers cannot mint different ones. */
export function eventIdOf(transferId: TransferId, sequence: number): EventId {
  return `ev-${transferId.slice(3)}-${sequence}` as EventId
}

function encodeTime(ms: number): string {
  let text = ''
  for (let rest = ms, i = 0; i < 10; i++) {
    text = alphabet.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** Five bits a letter; the input's length is a multiple of five bytes. */
export function encodeBytes(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    held += 8
    while (held >= 5) {
      held -= 5
      text += alphabet.charAt((bits >> held) & 31)
    }
    bits &= (1 << held) - 1
  }
  return text
}
