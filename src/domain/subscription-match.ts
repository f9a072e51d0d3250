/** What a subscription takes. */
import type { Subscription } from './subscription.ts'

export type Matcher = (event: { type: string; account: string | undefined }) => boolean

/** A pattern is a type, or its beginning with `*` behind it; so it takes also the types that a later version brings. */
export function matcherOf({ types, accounts }: Pick<Subscription, 'types' | 'accounts'>): Matcher {
  const takesType = typeMatcherOf(types)
  const known = new Set(accounts)
  if (known.size === 0) return ({ type }) => takesType(type)
  return ({ type, account }) => account !== undefined && known.has(account) && takesType(type)
}

/** None: every type. */
export function typeMatcherOf(patterns: readonly string[]): (type: string) => boolean {
  if (patterns.length === 0) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')))
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1))
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix))
}
