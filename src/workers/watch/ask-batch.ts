/**
 * Asks about a batch as a whole, not more often than the account allows; once its provider is done with it about its transfers,
 * page by page. One that failed is asked about by itself first, for the reason. Of one that was closed each transfer
 * is to be asked about.
 */
import type { Batch } from '../../domain/batch.ts'
import type { AnswerPart, CallResult, Question } from '../../providers/client.ts'
import { isSettled } from '../../store/commit.ts'
import { memberIdOf } from '../../store/ids.ts'
import { applyParts } from './answers.ts'
import { afterAnswer, applyAnswer, ask, keepQuiet, numbersOf, putOff } from './ask.ts'
import type { AccountDeps, Later, Turn } from './deps.ts'
import { plan } from './plan.ts'
import { sendBatchAgain } from './send-batch.ts'
import { minuteMs } from './times.ts'

/** A shortage of calls is waited out so long, and so often, before the rest is put off. */
const patienceMsMax = 10_000
const patienceMax = 30

export async function askBatch(deps: AccountDeps, turn: Turn, batch: Batch): Promise<Later | undefined> {
  const { clock, watch } = deps
  const quiet = await keepQuiet(deps, batch)
  if (quiet) return quiet
  const { reference } = batch
  const result = await ask(deps, turn, { call: 'batch', reference, ...numbersOf(batch) })
  if (result.outcome === 'unsent') return putOff(deps, batch, result)
  // What is over, as one that was refused, or is held is not lost.
  const isAwaited = !isSettled(batch) && !batch.hold
  if (result.outcome === 'not-known' && isAwaited) return considerLost(deps, turn, batch)
  await applyAnswer(deps, result)
  const statuses = statusesOf(deps, result)
  if (statuses.has('finished')) await askPages(deps, turn, batch)
  if (statuses.has('closed'))
    await watch.nudge(batch.account, await deps.intents.listMembers(batch.id), clock())
  return afterAnswer(deps, batch)
}

/** Still in the same turn: nobody asks while it is sent again. */
async function considerLost(deps: AccountDeps, turn: Turn, batch: Batch): Promise<Later> {
  const { clock, terms } = deps
  const { next } = plan(
    { intent: batch, totals: turn.found.totals?.totals, isNotKnown: true },
    terms,
    clock(),
  )
  if (next.do === 'pay-batch-again') return sendBatchAgain(deps, turn, batch)
  return { at: next.do === 'rest' ? next.until : clock() + minuteMs }
}

/** In the provider's words; what it does not understand is reported where it is applied. */
function statusesOf({ translate }: AccountDeps, result: CallResult): Set<string> {
  if (result.outcome !== 'answered') return new Set()
  return new Set(
    result.parts.flatMap(({ body, asked }) => {
      const said = translate(body, asked)
      return said.outcome === 'understood' && said.observation.kind === 'batch'
        ? [said.observation.status]
        : []
    }),
  )
}

async function askPages(deps: AccountDeps, turn: Turn, batch: Batch): Promise<void> {
  const { id, reference } = batch
  for (let from: number | undefined = 0; from !== undefined && !turn.isStopping(); ) {
    const page: CallResult = await askPatiently(deps, turn, {
      call: 'batch-page',
      reference,
      from,
      ...numbersOf(batch),
    })
    if (page.outcome !== 'answered') return
    const parts: AnswerPart[] = []
    const explained = await listExplained(deps, id, page.parts)
    for (const part of page.parts)
      parts.push(explained.has(part.asked.reference) ? part : await explain(deps, turn, part, batch))
    await applyParts(deps, parts)
    // One that goes on where it was would go on for ever.
    from = page.next !== undefined && page.next > from ? page.next : undefined
  }
}

/** Those of which it is known why they failed, by their references: a batch is listed many times. */
async function listExplained(
  { intents }: AccountDeps,
  batch: Batch['id'],
  parts: readonly AnswerPart[],
): Promise<Set<string>> {
  const loaded = await intents.load(parts.map(({ asked }) => memberIdOf(batch, asked.reference)))
  return new Set(
    loaded.flatMap((one) =>
      one.outcome === 'found' && one.intent.kind === 'transfer' && one.intent.failure?.reason !== undefined
        ? [one.intent.reference]
        : [],
    ),
  )
}

/** The same with the reason, where there is one to be had. */
async function explain(deps: AccountDeps, turn: Turn, part: AnswerPart, batch: Batch): Promise<AnswerPart> {
  const said = deps.translate(part.body, part.asked)
  if (said.outcome !== 'understood' || said.observation.kind !== 'transfer') return part
  const { status, failure, reference, providerReference: number } = said.observation
  if (status !== 'failed' || failure?.reason !== undefined || !deps.terms.questions.has('transfer'))
    return part
  const result = await askPatiently(deps, turn, {
    call: 'transfer',
    reference,
    batch: batch.reference,
    ...numbersOf(batch),
    ...(number !== undefined && { number }),
  })
  return (result.outcome === 'answered' ? result.parts[0] : undefined) ?? part
}

async function askPatiently(deps: AccountDeps, turn: Turn, question: Question): Promise<CallResult> {
  for (let attempt = 1; ; attempt++) {
    await turn.extend()
    const result = await ask(deps, turn, question)
    if (result.outcome !== 'unsent' || turn.isStopping() || attempt === patienceMax) return result
    const { retryInMs } = result
    if (retryInMs === undefined || retryInMs > patienceMsMax) return result
    await deps.wait(Math.max(retryInMs, 20))
  }
}
