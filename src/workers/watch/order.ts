/**
 * Gives one order. The step that stands for it is committed before, so that whoever comes after us knows; and it leaves us
 * within moments of that or not at all, however long this process was stopped in between.
 */
import type { Step } from '../../domain/decision.ts'
import type { Intent } from '../../domain/intent.ts'
import type { Sendable } from '../../domain/submission.ts'
import type { CallResult, Order } from '../../providers/client.ts'
import { applyParts, guardCall } from './answers.ts'
import { commitStep, commitTakeBack } from './commit-step.ts'
import type { AccountDeps, Later, Turn } from './deps.ts'
import { nextAttempt, nextQuestion, sinceOf } from './times.ts'

/** From the decision to the first byte. */
const leavesWithinMs = 10_000
const movedOnMs = 1_000

/** A provider that takes these twice as once need not be sure that it did not have the first. */
const repeatable: ReadonlySet<Order['call']> = new Set(['pay-batch', 'grant'])

const stoppedTooLong = unsent('This process was stopped for too long.', 0)
/** Each try waits for the replicas, and nothing else can be ordered meanwhile. */
const notKept = unsent('Too few replicas have the step before it.', 5_000)

function unsent(because: string, retryInMs: number) {
  return { outcome: 'unsent' as const, because, retryInMs }
}

/** For the first time, or for the first time since it was certain that nothing had left. */
export async function giveOrder(
  deps: AccountDeps,
  turn: Turn,
  begin: Step<Sendable> | undefined,
  order: Order,
): Promise<Later> {
  const { clock, client } = deps
  const notAfter = clock() + leavesWithinMs
  const { intents = deps.intents, areKept } = deps.orderSteps ?? {}
  if (!begin || (await deps.isPaused()) || !(await commitStep({ intents }, turn.found, begin)))
    return { at: clock() + movedOnMs }
  const begun = begin.intent
  const isKept = areKept ? await areKept(begun).catch(() => false) : true
  const obstacle = isKept ? (clock() < notAfter ? undefined : stoppedTooLong) : notKept
  const result =
    obstacle ?? (await guardCall(deps, turn, () => client.order({ ...order, notAfter }, turn.signal())))
  log(deps, turn, order, result)
  const isBack =
    result.outcome === 'unsent' ||
    (result.outcome === 'refused' && result.remedy === 'same' && !repeatable.has(order.call))
  const ownAt = isBack ? await commitTakeBack(deps, begun) : undefined
  return { ...(await settle(deps, begun, result)), ...(ownAt !== undefined && { ownAt }) }
}

/** The very same once more, of which nobody knows whether it arrived: the provider takes both as one. */
export async function repeatOrder(deps: AccountDeps, turn: Turn, order: Order): Promise<Later> {
  const { clock, client } = deps
  const notAfter = clock() + leavesWithinMs
  if (await deps.isPaused()) return { at: clock() + movedOnMs }
  const result = await guardCall(deps, turn, () => client.order({ ...order, notAfter }, turn.signal()))
  log(deps, turn, order, result)
  const later = await settle(deps, turn.found.intent as Sendable, ofRepeat(result))
  const { intent } = turn.found
  if (result.outcome === 'answered' || later.coolUntil !== undefined) return later
  return { at: nextQuestion(sinceOf(intent), clock(), deps.terms.watch) }
}

/** Of the repeat it says what it says, and nothing of what was sent before. */
function ofRepeat(result: CallResult): CallResult {
  if (result.outcome !== 'refused' || !result.part) return result
  const { part } = result
  return { ...result, part: { ...part, asked: { ...part.asked, again: true } } }
}

async function settle(deps: AccountDeps, intent: Sendable, result: CallResult): Promise<Later> {
  const { terms, clock } = deps
  const asked = () => ({ at: clock() + terms.watch.firstMs })
  switch (result.outcome) {
    case 'answered':
      await applyParts(deps, result.parts)
      return asked()
    case 'refused':
      if (result.part) await applyParts(deps, [result.part])
      return result.remedy === 'same' ? { at: nextAttempt(intent, clock()) } : asked()
    case 'not-known':
    case 'unknown':
      return asked()
    case 'unsent':
      return laterUnsent(intent, result, clock())
  }
}

/** Nothing left us, so nothing else of this kind does for a moment either. */
export function laterUnsent(
  intent: Pick<Intent, 'createdAt'>,
  { retryInMs }: { retryInMs?: number },
  now: number,
): Later {
  const at = retryInMs === undefined ? nextAttempt(intent, now) : now + Math.max(retryInMs, 50)
  return { at, coolUntil: retryInMs === undefined ? now + movedOnMs : at }
}

function log(deps: AccountDeps, { found }: Turn, { call }: Order, result: CallResult): void {
  const about = { account: deps.account, intentId: found.intent.id, call, outcome: result.outcome }
  const isFine = result.outcome === 'answered'
  const because = 'because' in result ? { because: result.because } : {}
  const refusal = result.outcome === 'refused' ? { code: result.code, remedy: result.remedy } : {}
  deps.logger[isFine ? 'info' : isHeldUp(result) ? 'debug' : 'warn']('provider.ordered', {
    ...about,
    ...because,
    ...refusal,
  })
}

/** By a limit or an open breaker, which has said so itself: it is tried again, many times where much is to be sent. */
function isHeldUp(result: CallResult): boolean {
  return result.outcome === 'unsent' && (result.retryInMs ?? 0) > 0
}
