/** Steps that follow from time, or that we are about to take: committed only on what they were decided on. */
import type { Step } from '../../domain/decision.ts'
import type { Intent } from '../../domain/intent.ts'
import { type Sendable, takeBack } from '../../domain/submission.ts'
import type { CommitRequest } from '../../store/commit.ts'
import type { AccountDeps, Found } from './deps.ts'

type StepDeps = Pick<AccountDeps, 'intents' | 'clock'>

export function requestOf({ intent, totals }: Omit<Found, 'outcome' | 'heard'>, step: Step): CommitRequest {
  return {
    before: intent,
    steps: [step],
    because: { source: 'watch' },
    at: step.intent.updatedAt,
    ...(totals && { totals: { before: totals.totals, version: totals.version } }),
  }
}

/** False where somebody else was quicker. */
export async function commitStep(
  { intents }: { intents: Pick<AccountDeps['intents'], 'commit'> },
  found: Omit<Found, 'outcome' | 'heard'>,
  step: Step | undefined,
): Promise<boolean> {
  if (!step) return false
  return (await intents.commit(requestOf(found, step))).outcome === 'committed'
}

const attemptsMax = 4

/**
 * It is certain that what was begun never left: as it was before. Only while it is still the very step that we began.
 * Says when that was; undefined where others have moved on.
 */
export async function commitTakeBack(deps: StepDeps, begun: Sendable): Promise<number | undefined> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const [found] = await deps.intents.load([begun.id])
    // A batch's totals move by themselves, and that something is overdue is noted meanwhile.
    if (found?.outcome !== 'found' || !isStillBegun(found.intent, begun)) return undefined
    const step = takeBack(found.intent as Sendable, deps.clock())
    if (!step) return undefined
    if (await commitStep(deps, found, step)) return step.intent.updatedAt
  }
  return undefined
}

/** The very step, and nothing else has been said of it since. */
function isStillBegun(intent: Intent, begun: Sendable): boolean {
  const { submission, state } = intent
  const same = submission?.step === begun.submission?.step && submission?.at === begun.submission?.at
  return same && state === begun.state
}
