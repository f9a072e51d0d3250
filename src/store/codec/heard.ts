import type { ReceiptId } from '../../domain/ids.ts'
import type { Heard } from '../../domain/repeats.ts'

/** What an intent remembers of a receipt, in the hash under the receipt's id. */
export function encodeHeard({ at, body, fact, identity }: Heard): string {
  return `${at.toString(36)} ${body} ${fact} ${identity}`
}

/** Of a receipt that told nothing: that it belongs to the intent, and no more. */
export const untold = '-'

export function decodeHeard(hash: Record<string, string>): Heard[] {
  return Object.entries(hash).flatMap(([receipt, text]) => {
    const [at = '', body = '', fact = '', identity = ''] = text.split(' ')
    if (at === untold) return []
    return [{ receipt: receipt as ReceiptId, at: Number.parseInt(at, 36), body, fact, identity }]
  })
}

const placeMark = ' @'

/** The receipt itself has left for the archive. */
export function noteReceiptPlace(text: string, place: string): string {
  return `${text}${placeMark}${place}`
}

export function readReceiptPlace(text: string): string | undefined {
  const at = text.indexOf(placeMark)
  return at < 0 ? undefined : text.slice(at + placeMark.length)
}
