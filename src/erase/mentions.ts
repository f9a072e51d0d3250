/** Whether a callback speaks of somebody: by what it is understood to say, and by its words, also where it is not understood. */
import { describeCustomer, describePerson } from '../domain/person.ts'
import type { AccountProvider } from '../providers/provider.ts'
import type { PersonToErase } from './person.ts'

export type Mentions = (account: string, body: Buffer) => boolean

export interface MentionsDeps {
  providers: ReadonlyMap<string, Pick<AccountProvider, 'translate'>>
  digestPerson(text: string): string
}

export function createMentions(
  { providers, digestPerson }: MentionsDeps,
  { digest, isNamedIn }: PersonToErase,
): Mentions {
  /** What is encrypted by the provider has no words that could be looked for. */
  function isUnderstoodOf(account: string, body: Buffer): boolean {
    const translation = providers.get(account)?.translate(body)
    if (translation?.outcome !== 'understood') return false
    const { observation: seen } = translation
    if (seen.kind === 'transfer') {
      const { kind = 'bank', number } = seen.payee ?? {}
      return number !== undefined && digestPerson(describePerson(kind, number)) === digest
    }
    if (seen.kind !== 'collection' || seen.secrets.customerName === undefined) return false
    return digestPerson(describeCustomer(seen.secrets.customerName, '')) === digest
  }

  return (account, body) => wordsOf(body).some(isNamedIn) || isUnderstoodOf(account, body)
}

/** As it came, and with what JSON escapes written out. */
function wordsOf(body: Buffer): string[] {
  const text = body.toString()
  try {
    return [text, ...leavesOf(JSON.parse(text))]
  } catch {
    return [text]
  }
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(leavesOf)
}
