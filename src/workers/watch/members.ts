/** The transfers of a batch, changed in chunks: each by itself, so that whoever is stopped in between goes on where it was. */

import type { Batch } from '../../domain/batch.ts'
import { asAppError } from '../../domain/errors.ts'
import type { BatchId, TransferId } from '../../domain/ids.ts'
import { beginSending, followBatch, requestSubmission } from '../../domain/submission.ts'
import type { Transfer } from '../../domain/transfer.ts'
import type { CommitRequest } from '../../store/commit.ts'
import { commitStep, requestOf } from './commit-step.ts'
import type { AccountDeps, Found, Later, Turn } from './deps.ts'
import { minuteMs, nextQuestion, sinceOf } from './times.ts'

const atOnce = 100
const passesMax = 4

/** What is to be written of each; undefined where nothing is. */
export type ChangeMembers = (transfers: readonly Transfer[]) => Promise<(CommitRequest | undefined)[]>

/** False where some could not be changed now, or it was told to stop. */
export async function changeMembers(
  deps: AccountDeps,
  turn: Turn,
  batch: BatchId,
  change: ChangeMembers,
): Promise<boolean> {
  let ids = await deps.intents.listMembers(batch)
  for (let pass = 1; pass <= passesMax && ids.length > 0; pass++) {
    const left: TransferId[] = []
    for (let from = 0; from < ids.length; from += atOnce) {
      if (turn.isStopping()) return false
      await turn.extend()
      left.push(...(await changeSome(deps, ids.slice(from, from + atOnce), change)))
    }
    ids = left
  }
  return ids.length === 0
}

/** Those that others have changed meanwhile. */
async function changeSome(
  deps: AccountDeps,
  ids: readonly TransferId[],
  change: ChangeMembers,
): Promise<TransferId[]> {
  const transfers = await loadMembers(deps, ids)
  const requests = (await change(transfers)).filter((one) => one !== undefined)
  const outcomes = await deps.intents.commitAll(requests)
  return requests.flatMap(({ before }, i) => {
    const outcome = outcomes[i]
    if (outcome instanceof Error) throw outcome
    return outcome?.outcome === 'committed' || !before ? [] : [before.id as TransferId]
  })
}

export async function loadMembers(
  { intents }: Pick<AccountDeps, 'intents'>,
  ids: readonly TransferId[],
): Promise<Transfer[]> {
  const all: Transfer[] = []
  for (let from = 0; from < ids.length; from += atOnce) {
    for (const one of await intents.load(ids.slice(from, from + atOnce))) {
      if (one.outcome === 'unreadable') throw asAppError(one.error)
      if (one.outcome === 'found' && one.intent.kind === 'transfer') all.push(one.intent)
    }
  }
  return all
}

/** A batch that is a mere grouping of ours is sent by sending each of its transfers. */
export async function fanOut(deps: AccountDeps, turn: Turn, batch: Batch): Promise<Later> {
  const { clock } = deps
  const force = batch.submission?.force ?? false
  const isDone = await changeMembers(deps, turn, batch.id, async (transfers) =>
    transfers.map((intent) => {
      const step = requestSubmission(intent, { force }, clock())
      return step && requestOf({ intent }, step)
    }),
  )
  const now = await reload(deps, turn)
  const isSent = isDone && now && (await commitStep(deps, now, beginSending(now.intent as Batch, clock())))
  return { at: clock() + (isSent ? minuteMs : 1_000) }
}

/** What its transfers come to moves while we change them. */
export async function reload({ intents }: AccountDeps, { found }: Turn): Promise<Found | undefined> {
  const [now] = await intents.load([found.intent.id])
  return now?.outcome === 'found' ? now : undefined
}

/** Nothing of a batch was paid that was refused or taken back. */
export async function follow(deps: AccountDeps, turn: Turn, batch: Batch): Promise<Later> {
  const { clock, terms } = deps
  const isDone = await changeMembers(deps, turn, batch.id, async (transfers) =>
    transfers.map((intent) => {
      const step = followBatch(intent, batch, clock())
      return step && requestOf({ intent }, step)
    }),
  )
  // Those that are held follow once a person has let them go.
  return { at: isDone ? nextQuestion(sinceOf(batch), clock(), terms.watch) : clock() + 1_000 }
}
