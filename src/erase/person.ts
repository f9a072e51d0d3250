/** Somebody who is to be erased: by digest where something lies sealed for them, by what they are called where not. */
import { describeCustomer, describePerson } from '../domain/person.ts'

export interface PersonToErase {
  digest: string
  /** Whether a text speaks of them, however it is spelled. */
  isNamedIn(text: string): boolean
}

export type PersonName =
  | { kind: 'account-number'; text: string }
  | { kind: 'openid'; text: string }
  | { kind: 'customer'; text: string }

export function toPerson(name: PersonName, digestPerson: (text: string) => string): PersonToErase {
  const pattern = toPattern(name)
  const isNamedIn = (text: string) => pattern.test(text.normalize('NFKC'))
  return { digest: digestPerson(describe(name)), isNamedIn }
}

function describe({ kind, text }: PersonName): string {
  switch (kind) {
    case 'account-number':
      return describePerson('bank', text)
    case 'openid':
      return describePerson('wechatpay', text.trim())
    case 'customer':
      return describeCustomer(text, '')
  }
}

/** As a word of its own: `002` is not named by `10020`. A number may be grouped, a name be written in either case. */
function toPattern({ kind, text }: PersonName): RegExp {
  const plain = text.normalize('NFKC').trim()
  const parts = kind === 'account-number' ? [...plain.replace(separators, '')] : plain.split(/\s+/)
  const between = kind === 'account-number' ? '[\\s./\\p{Pd}]*' : '\\s+'
  const words = parts.map(quote).join(between)
  const flags = kind === 'openid' ? 'u' : 'iu'
  return new RegExp(`(?<![\\p{L}\\p{N}])${words}(?![\\p{L}\\p{N}])`, flags)
}

const separators = /[\s./\p{Pd}]/gu

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
