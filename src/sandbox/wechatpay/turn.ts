/** How a request is answered: mostly as it should be, and the first time about a number as the number's fate has it. */
import type { Fate } from '../fates.ts'

export type Turn =
  | 'usual'
  | 'too-many-requests'
  | 'server-error'
  /** Taken all the same. */
  | 'server-error-after-accepting'
  | 'refused'
  /** Taken, and nothing is ever answered. */
  | 'silent'
  | 'unsigned'
  | 'probe'

export interface Turns {
  ofOrder(number: string, fate: Fate): Turn
  ofQuery(number: string, fate: Fate): Turn
}

export function createTurns(): Turns {
  const seen = new Set<string>()
  const isFirst = (key: string) => !seen.has(key) && seen.add(key) !== undefined
  return {
    ofOrder: (number, fate) => (isFirst(`order ${number}`) ? turnOfOrder(fate) : 'usual'),
    ofQuery: (number, fate) => (isFirst(`query ${number}`) ? turnOfQuery(fate) : 'usual'),
  }
}

function turnOfOrder(fate: Fate): Turn {
  if (fate.has('refused')) return 'refused'
  if (fate.has('server-error'))
    return fate.random('server-error') < 0.5 ? 'server-error' : 'server-error-after-accepting'
  if (fate.has('timeout-after-accepting')) return 'silent'
  return turnOfQuery(fate)
}

function turnOfQuery(fate: Fate): Turn {
  if (fate.has('too-many-requests')) return 'too-many-requests'
  if (fate.has('server-error')) return 'server-error'
  if (fate.has('unsigned-response')) return 'unsigned'
  return fate.has('signtest') ? 'probe' : 'usual'
}
