/**
 * A batch that its provider takes as a whole. Each of its transfers is noted as sent before the batch is, so that none is
 * cancelled beside it; what goes is what was so noted, in the order of registration, so that a repeat is the same to the
 * letter.
 */
import type { Batch } from '../../domain/batch.ts'
import { beginSending, sendWithBatch } from '../../domain/submission.ts'
import type { Transfer, TransferSecrets, TransferState } from '../../domain/transfer.ts'
import type { Order, OrderedTransfer } from '../../providers/client.ts'
import { requestOf } from './commit-step.ts'
import type { AccountDeps, Later, Turn } from './deps.ts'
import { changeMembers, loadMembers, reload } from './members.ts'
import { giveOrder, repeatOrder } from './order.ts'
import { holdErased, reportErased, requestErased, toOrdered } from './send-one.ts'
import { hourMs, nextQuestion, sinceOf } from './times.ts'

const againMs = 1_000

export async function sendBatch(deps: AccountDeps, turn: Turn, batch: Batch): Promise<Later> {
  const { clock, terms, account, logger } = deps
  if (!batch.wechatpay) {
    logger.error('submission.without-terms', { account, intentId: batch.id })
    return { at: clock() + hourMs }
  }
  if (!(await prepare(deps, turn, batch))) return { at: clock() + againMs }
  const found = await reload(deps, turn)
  if (found?.intent.kind !== 'batch') return { at: clock() + againMs }
  const members = await membersOf(deps, batch)
  // Once it was sent it goes again as it was; until then what somebody has to look at holds up the whole.
  if (members.some(({ state, hold }) => state === 'submitted' && hold))
    return { at: nextQuestion(sinceOf(batch), clock(), terms.watch) }
  const order = await compose(deps, found.intent, members)
  // It was noted as sent already, so a person says what becomes of the whole.
  if (order === 'erased') return holdErased(deps, found.intent)
  // All of it was cancelled, or waits for a person.
  if (!order) return { at: nextQuestion(sinceOf(batch), clock(), terms.watch) }
  return giveOrder(deps, { ...turn, found }, beginSending(found.intent, clock()), order)
}

/** After the provider has said that it does not know it. */
export async function sendBatchAgain(deps: AccountDeps, turn: Turn, batch: Batch): Promise<Later> {
  await turn.extend()
  const members = await membersOf(deps, batch)
  // One was heard of since the batch was looked at: it did arrive, and without that one it would be another order.
  if (members.some(({ state }) => !unheard.has(state)))
    return { at: nextQuestion(sinceOf(batch), deps.clock(), deps.terms.watch) }
  const order = await compose(deps, batch, members)
  if (!order || order === 'erased') return reportErased(deps, batch)
  return repeatOrder(deps, turn, order)
}

/** What was cancelled stays out, and what is held; whom nobody can name any more is held. */
function prepare(deps: AccountDeps, turn: Turn, batch: Batch): Promise<boolean> {
  return changeMembers(deps, turn, batch.id, async (transfers) => {
    const ready = transfers.filter(({ state, hold }) => state === 'registered' && !hold)
    const secrets = (await deps.vault.openAllSecrets(ready)) as (TransferSecrets | undefined)[]
    return ready.map((intent, i) => {
      const now = deps.clock()
      if (!secrets[i]?.beneficiary) return holdMember(deps, intent, now)
      const step = sendWithBatch(intent, now)
      return step && requestOf({ intent }, step)
    })
  })
}

function holdMember(deps: AccountDeps, intent: Transfer, now: number) {
  reportErased(deps, intent)
  return requestErased(intent, now)
}

const unheard: ReadonlySet<TransferState> = new Set(['registered', 'submitted', 'cancelled'])

async function membersOf(deps: AccountDeps, { id }: Batch): Promise<Transfer[]> {
  return loadMembers(deps, await deps.intents.listMembers(id))
}

/** Undefined where nothing is left of it. */
async function compose(
  deps: AccountDeps,
  batch: Batch,
  members: readonly Transfer[],
): Promise<Order | 'erased' | undefined> {
  const { reference, name, remark, wechatpay } = batch
  const sent = members.filter(({ state }) => state === 'submitted')
  const secrets = (await deps.vault.openAllSecrets(sent)) as (TransferSecrets | undefined)[]
  const transfers: OrderedTransfer[] = []
  for (const [i, one] of sent.entries()) {
    const known = secrets[i]
    if (!known?.beneficiary) return 'erased'
    transfers.push(toOrdered(one, known))
  }
  if (transfers.length === 0 || !wechatpay) return undefined
  return { call: 'pay-batch', reference, name, remark, terms: wechatpay, transfers }
}
