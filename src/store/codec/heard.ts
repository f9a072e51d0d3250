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

export function decodeHeard(hash: Record<string, string>): Heard[] {
  return Object.entries(hash).flatMap(([receipt, text]) => {
    const [at = '', body = '', fact = '', identity = '', asked] = text.split(' ')
    if (at === untold) return []
    const heard = { receipt: receipt as ReceiptId, at: Number.parseInt(at, 36), body, fact, identity }
    return [asked === askedMark ? { ...heard, asked: true as const } : heard]
  })
}

/** The receipt itself has left for the archive. */
export function noteReceiptPlace(text: string, place: string): string {
  return `${text}${placeMark}${place}`
}

export function readReceiptPlace(text: string): string | undefined {
  const at = text.indexOf(placeMark)
  return at < 0 ? undefined : text.slice(at + placeMark.length)
}
