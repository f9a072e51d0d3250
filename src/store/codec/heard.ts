import type { ReceiptId } from '../../domain/ids.ts'
import type { Heard } from '../../domain/repeats.ts'

/** What an intent remembers of a receipt, in the hash under the receipt's id. */
export function encodeHeard({ at, body, fact, identity, asked }: Heard): string {
  return `${at.toString(36)} ${body} ${fact} ${identity}${asked ? ' ?' : ''}`
}

export function decodeHeard(hash: Record<string, string>): Heard[] {
  return Object.entries(hash).map(([receipt, text]) => {
    const [at = '', body = '', fact = '', identity = '', asked] = text.split(' ')
    return {
      receipt: receipt as ReceiptId,
      at: Number.parseInt(at, 36),
      body,
      fact,
      identity,
      ...(asked && { asked: true }),
    }
  })
}
