/**
 * Moves everything that is sealed under an older key to the current one, while the service runs. It is done when two
 * passes in a row, some seconds apart, found nothing more to move and no worker has anything in hand that it read
 * before. Then, and only then, the older keys may go. Stopped in the middle, it goes on where it was when it is run
 * again: what was moved is not moved twice.
 *
 * Required: every process seals with the current key by now. One that was not restarted would go on sealing with an
 * older one behind our back.
 */
import type { InHand } from './in-hand.ts'
import { type Counts, emptyCounts, kinds, type Pass } from './pass.ts'

export type ResealOutcome =
  | { outcome: 'clean'; moved: Counts; passes: number }
  | { outcome: 'not-opened'; moved: Counts; failed: Pass['failed'] }
  | { outcome: 'in-hand'; moved: Counts; jobs: string[] }
  /** Something goes on sealing with an older key. */
  | { outcome: 'restless'; moved: Counts }

export interface ResealDeps {
  pass(): Promise<Pass>
  inHand: InHand
  pause(ms: number): Promise<void>
  settleMs: number
  onPass(number: number, pass: Pass): void
}

const passesMax = 25
const lookMs = 250
/** A job's attempt takes seconds at most. */
const looksMax = 120

export async function reseal(deps: ResealDeps): Promise<ResealOutcome> {
  const moved = emptyCounts()
  // What an earlier run moved, which was stopped, may still be in hand as it was.
  const held = await waitFor(deps, await deps.inHand.now())
  if (held.length > 0) return { outcome: 'in-hand', moved, jobs: held }
  let clean = 0
  for (let passes = 1; passes <= passesMax; passes++) {
    const pass = await deps.pass()
    for (const kind of kinds) moved[kind] += pass.moved[kind]
    deps.onPass(passes, pass)
    if (pass.failed.length > 0) return { outcome: 'not-opened', moved, failed: pass.failed }
    const jobs = await waitFor(deps, pass.inHand)
    if (jobs.length > 0) return { outcome: 'in-hand', moved, jobs }
    clean = kinds.every((kind) => pass.moved[kind] === 0) ? clean + 1 : 0
    if (clean === 2) return { outcome: 'clean', moved, passes }
    if (clean === 1) await deps.pause(deps.settleMs)
  }
  return { outcome: 'restless', moved }
}

async function waitFor(deps: ResealDeps, jobs: readonly string[]): Promise<string[]> {
  let left = [...jobs]
  for (let look = 0; left.length > 0 && look < looksMax; look++) {
    left = await deps.inHand.still(left)
    if (left.length > 0) await deps.pause(lookMs)
  }
  return left
}
