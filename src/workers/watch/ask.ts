/** Asks about one transfer or one coupon. */
import type { Batch } from '../../domain/batch.ts'
import type { Coupon, CouponSecrets } from '../../domain/coupon.ts'
import type { BatchId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { Transfer } from '../../domain/transfer.ts'
import type { CallResult, Question } from '../../providers/client.ts'
import { isSettled, mayComeBack } from '../../store/commit.ts'
import { applyParts, guardCall } from './answers.ts'
import type { AccountDeps, Later, Turn } from './deps.ts'
import { laterUnsent } from './order.ts'
import { afterQuestion, quietMsOf } from './plan.ts'
import { reportErased } from './send-one.ts'
import { nextLookBack } from './times.ts'

export async function askTransfer(
  deps: AccountDeps,
  turn: Turn,
  intent: Transfer,
): Promise<Later | undefined> {
  const batch = intent.batch && (await findBatch(deps, intent.batch))
  const { reference, providerReference: number } = intent
  return askOne(deps, turn, {
    call: 'transfer',
    reference,
    ...(batch && { batch: batch.reference, ...numbersOf(batch) }),
    ...(batch && number !== undefined && { number }),
  })
}

/** Its provider's own, where it is known. */
export function numbersOf({ providerReference: batchNumber }: Batch): { batchNumber?: string } {
  return batchNumber === undefined ? {} : { batchNumber }
}

/** A transfer is asked about by its own number within that of its batch. */
async function findBatch({ intents }: AccountDeps, id: BatchId): Promise<Batch | undefined> {
  const [found] = await intents.load([id])
  return found?.outcome === 'found' && found.intent.kind === 'batch' ? found.intent : undefined
}

export async function askCoupon(deps: AccountDeps, turn: Turn, intent: Coupon): Promise<Later | undefined> {
  const [secrets] = (await deps.vault.openAllSecrets([intent])) as [CouponSecrets | undefined]
  const { reference, couponNumber, appid } = intent
  if (!secrets?.openid || couponNumber === undefined) return reportErased(deps, intent)
  return askOne(deps, turn, { call: 'coupon', reference, couponNumber, appid, openid: secrets.openid })
}

async function askOne(deps: AccountDeps, turn: Turn, question: Question): Promise<Later | undefined> {
  const { intent } = turn.found
  const quiet = await keepQuiet(deps, intent)
  if (quiet) return quiet
  const result = await ask(deps, turn, question)
  if (result.outcome === 'unsent') return putOff(deps, intent, result)
  await applyAnswer(deps, result)
  return afterAnswer(deps, intent)
}

/** Somebody has just asked, or does; undefined where it is our turn. */
export async function keepQuiet(
  { watch, clock, terms }: AccountDeps,
  intent: Intent,
): Promise<Later | undefined> {
  const quietMs = quietMsOf(intent, terms)
  return (await watch.noteAsked(intent.id, clock(), quietMs)) ? undefined : { at: clock() + quietMs }
}

/** Nothing left us, so it was not asked. */
export async function putOff(
  { watch, clock }: AccountDeps,
  intent: Intent,
  result: { retryInMs?: number },
): Promise<Later> {
  await watch.forgetAsked(intent.id)
  return laterUnsent(intent, result, clock())
}

/** What was settled before was asked about once, and a batch whose money may come back now and then. */
export function afterAnswer({ terms, clock }: AccountDeps, intent: Intent): Later | undefined {
  if (!isSettled(intent)) return { at: afterQuestion(intent, terms, clock()) }
  const at = mayComeBack(intent) ? nextLookBack(intent.updatedAt, clock(), terms.watch) : undefined
  return at === undefined ? undefined : { at }
}

/** The log says what became of it where that is not an answer. */
export async function ask(deps: AccountDeps, turn: Turn, question: Question): Promise<CallResult> {
  const result = await guardCall(deps, turn, () => deps.client.ask(question, turn.signal()))
  report(deps, turn.found.intent, question, result)
  return result
}

export async function applyAnswer(deps: AccountDeps, result: CallResult): Promise<void> {
  if (result.outcome === 'answered') await applyParts(deps, result.parts)
  if (result.outcome === 'refused' && result.part) await applyParts(deps, [result.part])
}

function report(
  { account, logger }: AccountDeps,
  { id }: Pick<Intent, 'id'>,
  { call }: Question,
  result: CallResult,
): void {
  const about = { account, intentId: id, call, outcome: result.outcome }
  if (result.outcome === 'answered' || result.outcome === 'not-known') {
    logger.debug('provider.asked', about)
    return
  }
  const why = result.outcome === 'refused' ? { code: result.code } : { because: result.because }
  logger[result.outcome === 'unsent' ? 'debug' : 'warn']('provider.asked', { ...about, ...why })
}
