/** What follows from an intent's age: it is overdue, and at last a person is told. Nothing fails of it. */
import { openSilentCase } from '../../domain/case.ts'
import type { Step } from '../../domain/decision.ts'
import { markOverdue, type Sendable } from '../../domain/submission.ts'
import type { CommitRequest } from '../../store/commit.ts'
import { requestOf } from './commit-step.ts'
import type { AccountDeps, Found } from './deps.ts'
import type { Plan } from './plan.ts'

export interface Marked {
  found: Found
  marks: Plan['marks']
}

type MarkDeps = Pick<AccountDeps, 'account' | 'intents' | 'clock' | 'logger'>

/** What others have changed meanwhile is marked when it is looked at next. */
export async function applyMarks(deps: MarkDeps, marked: readonly Marked[]): Promise<void> {
  const { intents, clock, account, logger } = deps
  const overdue = marked.flatMap(({ found, marks }) => {
    const step = marks.includes('overdue') ? markOverdue(found.intent as Sendable, clock()) : undefined
    return step ? [{ found, step }] : []
  })
  const outcomes = await intents.commitAll(overdue.map(({ found, step }) => requestOf(found, step)))
  const after = new Map<string, Step>()
  for (const [i, { step }] of overdue.entries()) {
    const outcome = outcomes[i]
    if (outcome instanceof Error || outcome?.outcome !== 'committed') continue
    after.set(step.intent.id, step)
    logger.info(`${step.intent.kind}.overdue`, { account, intentId: step.intent.id })
  }
  const silent = marked.flatMap(({ found, marks }) =>
    marks.includes('silent') ? [after.get(found.intent.id)?.intent ?? found.intent] : [],
  )
  await openCases(deps, silent as Sendable[])
}

/** Once: where the case is there already, open or not, the commit finds it and writes nothing. */
async function openCases({ intents, clock, account, logger }: MarkDeps, silent: readonly Sendable[]) {
  const now = clock()
  const requests = silent.map(
    (before): CommitRequest => ({
      before,
      steps: [],
      because: { source: 'watch' },
      case: { after: openSilentCase(before, now) },
      at: now,
    }),
  )
  for (const [i, outcome] of (await intents.commitAll(requests)).entries()) {
    if (outcome instanceof Error || outcome.outcome !== 'committed') continue
    const about = { account, intentId: silent[i]?.id, caseId: requests[i]?.case?.after.id }
    logger.warn('case.opened', { ...about, kind: 'silent', code: 'no-answer' })
  }
}
