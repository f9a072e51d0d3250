/** Has what is registered sent, once. From here on the watch does it; whoever asks again changes nothing. */
import type { BatchTotals } from '../../domain/batch.ts'
import { AppError } from '../../domain/errors.ts'
import type { Because } from '../../domain/event.ts'
import { requestSubmission, type Sendable } from '../../domain/submission.ts'
import type { IntentStore, Loaded } from '../../store/intents.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface StartDeps {
  intents: Pick<IntentStore, 'load' | 'commit'>
  clock: () => number
  logger: Logger
}

export interface Started<I extends Sendable = Sendable> {
  intent: I
  totals?: BatchTotals | undefined
  /** Now, and not before. */
  begun: boolean
}

export type Start = <I extends Sendable>(
  id: I['id'],
  options: { force: boolean; because: Because },
) => Promise<Started<I> | undefined>

/** Losing the race this often to others who change the same intent means that something is wrong. */
const attemptsMax = 16

/** Undefined where there is no such intent. */
export function createStart({ intents, clock, logger }: StartDeps): Start {
  return async <I extends Sendable>(
    id: I['id'],
    { force, because }: { force: boolean; because: Because },
  ): Promise<Started<I> | undefined> => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const found = readSendable((await intents.load([id]))[0])
      if (!found) return undefined
      const before = found.intent as I
      const { totals } = found
      if (before.submission) return { intent: before, totals: totals?.totals, begun: false }
      const at = clock()
      const step = requestSubmission<I>(before, { force }, at)
      if (!step) throw new AppError('cannot-submit', { detail: describeObstacle(before) })
      const commit = await intents.commit({
        before,
        steps: [step],
        because,
        ...(totals && { totals: { before: totals.totals, version: totals.version } }),
        at,
      })
      if (commit.outcome !== 'committed') continue
      logger.info('submission.requested', { intentId: id, account: before.account, principal: because.by })
      return { intent: step.intent, totals: totals?.totals, begun: true }
    }
    throw new AppError('commit-contended')
  }
}

export function readSendable(found: Loaded | undefined) {
  if (found?.outcome === 'unreadable') throw found.error
  if (found?.outcome !== 'found') return undefined
  const { intent, totals } = found
  return intent.kind === 'collection' ? undefined : { intent, totals }
}

/** It was sent, or was to be, and it is over: what is asked for will not happen. */
export function refuseIfOver(intent: Sendable): void {
  const step = intent.submission?.step
  const isOver = over.has(intent.state) || step === 'refused' || step === 'withdrawn'
  if (isOver || intent.hold) throw new AppError('cannot-submit', { detail: describeObstacle(intent) })
}
const over: ReadonlySet<Sendable['state']> = new Set(['failed', 'cancelled', 'expired'])

function describeObstacle(intent: Sendable): string {
  const { hold, state, submission } = intent
  if (hold) return `It is held, and ${hold.case} has to be resolved first.`
  if (submission?.step === 'refused') return 'The provider refused it. Register it under another reference.'
  if (submission?.step === 'withdrawn') return 'It was taken back. Register it under another reference.'
  if (state === 'registered') return 'It bears the provider’s number, so it was started there already.'
  return `It is ${state}; only what is registered and was not started elsewhere can be sent.`
}
