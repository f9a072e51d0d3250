/** Which callbacks a payout's fate brings, and when. Pure: the server signs and sends them. */
import type { Fate } from '../fates.ts'

export interface PlannedCallback {
  /** After the payout's end. */
  afterMs: number
  says: 'final' | 'opposite' | 'pending'
  amount: 'right' | 'wrong'
  signedBy: 'provider' | 'next' | 'stranger'
  /** Signed so long ago. */
  ageMs: number
  /** So many at once. */
  count: number
}

const gapMs = 150
const staleMs = 2 * 3_600_000
const usual: PlannedCallback = {
  afterMs: 0,
  says: 'final',
  amount: 'right',
  signedBy: 'provider',
  ageMs: 0,
  count: 1,
}

export function planCallbacks(fate: Fate): PlannedCallback[] {
  if (fate.has('lost-callback')) return []
  const final: PlannedCallback = {
    ...usual,
    amount: fate.has('mutated-amount') ? 'wrong' : 'right',
    signedBy: fate.has('key-rotation') ? 'next' : 'provider',
    count: fate.has('concurrent-repeats') ? 3 : 1,
  }
  const planned = [...planBefore(fate, final), final, ...planAfter(fate, final)]
  return planned.map((one, index) => ({ ...one, afterMs: index * gapMs }))
}

/** What is not to be believed comes first, and says the opposite: whoever believes it is caught. */
function planBefore(fate: Fate, final: PlannedCallback): PlannedCallback[] {
  return [
    ...(fate.has('wrong-signature') ? [{ ...usual, says: 'opposite', signedBy: 'stranger' } as const] : []),
    ...(fate.has('stale') ? [{ ...final, ageMs: staleMs, count: 1 }] : []),
  ]
}

function planAfter(fate: Fate, final: PlannedCallback): PlannedCallback[] {
  const again = { ...final, count: 1 }
  return [
    ...(fate.has('reordered') ? [{ ...again, says: 'pending' } as const] : []),
    ...(fate.has('repeated') ? [again, again] : []),
    ...(fate.has('contradicting') ? [{ ...again, says: 'opposite' } as const] : []),
  ]
}
