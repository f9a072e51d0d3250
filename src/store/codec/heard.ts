import type { ReceiptId } from '../../domain/ids.ts'
import type { Heard } from '../../domain/repeats.ts'

const askedMark = '?'
const placeMark = ' @'

/** What an intent remembers of a receipt, in the hash under the receipt's id. */
export function encodeHeard({ at, body, fact, identity, asked }: Heard): string {
  return `${at.toString(36)} ${body} ${fact} ${identity}${asked ? ` ${askedMark}` : ''}`
}

/** Of a receipt that told nothing: that it belongs to the intent, and no more. */
export const untold = '-'

/** Fields and values one after another, as a script returns them. */
export function decodeHeard(hash: readonly string[]): Heard[] {
  const all: Heard[] = []
  for (let i = 0; i < hash.length; i += 2) {
    const [at = '', body = '', fact = '', identity = '', asked] = (hash[i + 1] ?? '').split(' ')
    if (at === untold) continue
    const heard: Heard = { receipt: hash[i] as ReceiptId, at: Number.parseInt(at, 36), body, fact, identity }
    if (asked === askedMark) heard.asked = true
    all.push(heard)
  }
  return all
}

/** The receipt itself has left for the archive. */
export function noteReceiptPlace(text: string, place: string): string {
  return `${text}${placeMark}${place}`
}

export function readReceiptPlace(text: string): string | undefined {
  const at = text.indexOf(placeMark)
  return at < 0 ? undefined : text.slice(at + placeMark.length)
}
