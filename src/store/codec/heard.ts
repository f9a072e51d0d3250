import type { ReceiptId } from '../../domain/ids.ts'
import type { Heard } from '../../domain/repeats.ts'

/** What an intent remembers of a receipt, in the hash under the receipt's id. */
export function encodeHeard({ at, body, fact, identity, asked }: Heard): string {
  return `${at.toString(36)} ${body} ${fact} ${identity}${asked ? ' ?' : ''}`
}

/** Fields and values one after another, as a script returns them. */
export function decodeHeard(hash: readonly string[]): Heard[] {
  const heard: Heard[] = []
  for (let i = 0; i < hash.length; i += 2) {
    const [at = '', body = '', fact = '', identity = '', asked] = (hash[i + 1] ?? '').split(' ')
    heard.push({
      receipt: hash[i] as ReceiptId,
      at: Number.parseInt(at, 36),
      body,
      fact,
      identity,
      ...(asked && { asked: true }),
    })
  }
  return heard
}
