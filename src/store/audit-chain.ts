/**
 * How the entries of the audit log hang together: the mark of each is an HMAC over its text and the mark before it, under a
 * key that Redis does not hold. Whoever can write to Redis alone can neither change, insert nor take out an entry without its
 * being noticed; they can cut off the newest ones together with the head, which only a head that was kept elsewhere shows.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** The last entry that there is, or was: its number and mark. */
export interface ChainEnd {
  number: number
  mark: string
}

/** Before the first entry. */
export const chainStart: ChainEnd = { number: 0, mark: '' }

export type Chain = (before: ChainEnd, text: string) => ChainEnd

export function createChain(key: Uint8Array): Chain {
  return (before, text) => {
    const number = before.number + 1
    const hmac = createHmac('sha256', key).update(`${number}\n${before.mark}\n${text}`)
    return { number, mark: hmac.digest('base64url') }
  }
}

export function isSameMark(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

export function writeEnd({ number, mark }: ChainEnd): string {
  return `${number} ${mark}`
}

export function readEnd(text: string | null): ChainEnd {
  const [, number = '0', mark = ''] = /^(\d{1,15}) ([\w-]{43})$/.exec(text ?? '') ?? []
  return number === '0' ? chainStart : { number: Number(number), mark }
}
