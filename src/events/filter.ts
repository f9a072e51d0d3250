/** Which events a reader wants. */
import type { EventType } from './catalogue.ts'
import type { EventHead } from './published.ts'

export interface EventFilter {
  types?: readonly EventType[] | undefined
  account?: string | undefined
  subject?: string | undefined
}

export type Wanted = (head: EventHead) => boolean

/** Undefined where everything is wanted. */
export function wantedBy({ types, account, subject }: EventFilter): Wanted | undefined {
  if (!types && account === undefined && subject === undefined) return undefined
  const wantedTypes = types && new Set(types)
  return (head) =>
    (!wantedTypes || wantedTypes.has(head.type)) &&
    (account === undefined || head.account === account) &&
    (subject === undefined || head.subject === subject)
}

/** The same for those that want the same. */
export function nameOf({ types, account, subject }: EventFilter): string {
  return JSON.stringify([types?.toSorted(), account, subject])
}
