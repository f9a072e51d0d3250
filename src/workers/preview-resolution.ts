/**
 * What would become of a held intent by each answer that a person may give, worked out by the same pure functions that decide
 * it. Nothing is changed. What comes between the look and the answer may change it; the answer is checked anew then.
 */
import type { Case } from '../domain/case.ts'
import type { Step } from '../domain/decision.ts'
import type { ReceiptId } from '../domain/ids.ts'
import { type ResolutionAction, resolutionActions } from '../domain/observation.ts'
import { findObstacle, resolveHold } from '../domain/resolve.ts'
import type { CaseSide, CaseSides } from './case-sides.ts'

export interface PreviewedAction {
  action: ResolutionAction
  /** Whose word is taken. */
  receipt?: ReceiptId
  /** Why it cannot be; a sentence. */
  obstacle?: string
  /** What follows, in order; empty where it cannot be. */
  steps: Step[]
  /** How many others waited for a person and are decided anew after it. */
  anew: number
}

type Held = Case & { kind: 'held' }

export function previewResolutions(one: Held, { ours, theirs }: CaseSides, now: number): PreviewedAction[] {
  if (!ours?.intent.hold) return []
  const { intent } = ours

  const preview = (action: ResolutionAction, side?: CaseSide): PreviewedAction => {
    const receipt = side && idOf(side)
    const others = theirs.filter((other) => idOf(other) !== receipt)
    const anew = others.filter((other) => other.outcome === 'read' && isWaiting(other)).length
    const since = others.some((other) => other.outcome !== 'gone' && isWaiting(other))
    const base = { action, ...(receipt && { receipt }), anew }
    if (side && side.outcome !== 'read')
      return { ...base, obstacle: side.outcome === 'not-readable' ? side.because : side.outcome, steps: [] }
    const resolution = { action, dismissed: [], since, ...(side && { theirs: side.observation }) }
    const obstacle = findObstacle(intent, resolution)
    if (obstacle !== undefined) return { ...base, obstacle, steps: [] }
    return { ...base, steps: resolveHold(intent, resolution, now) }
  }

  const mayBeTaken = theirs.filter((side) => one.receipts.includes(idOf(side)))
  return resolutionActions.flatMap((action) =>
    action === 'take-theirs' ? mayBeTaken.map((side) => preview(action, side)) : [preview(action)],
  )
}

function isWaiting(side: Exclude<CaseSide, { outcome: 'gone' }>): boolean {
  return side.record.outcome === 'awaits-person'
}

function idOf(side: CaseSide): ReceiptId {
  return side.outcome === 'gone' ? side.receipt : (side.record.id as ReceiptId)
}
