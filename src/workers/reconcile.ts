/**
 * Applies receipts, without BullMQ: unseal, translate, decide, commit. What holds:
 *   - a receipt is applied once, however often its job is delivered: the commit finds it recorded;
 *   - a decision is committed only on the transfer it was made on, or made again;
 *   - receipts of one group about one transfer are applied in the order they came, others side by side;
 *   - what nothing proves changes no transfer (`unverified.ts`);
 *   - the failure of one receipt says nothing about the others.
 */
import { decide } from '../domain/decide.ts'
import { AppError, asAppError } from '../domain/errors.ts'
import type { TransferEvent } from '../domain/event.ts'
import type { TransferId } from '../domain/ids.ts'
import type { Observation } from '../domain/observation.ts'
import type { OpenReceipt, Receipt, ReceiptOutcome } from '../domain/receipt.ts'
import type { Transfer } from '../domain/transfer.ts'
import type { AccountProvider } from '../providers/provider.ts'
import type { Sealer } from '../queue/job-data.ts'
import { describeRedisTrouble } from '../redis/trouble.ts'
import type { QueriesWanted } from '../store/queries-wanted.ts'
import type { CommitRequest, TransferStore } from '../store/transfers.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createNoteUnverified } from './unverified.ts'

export interface ReconcileDeps {
  providers: ReadonlyMap<string, AccountProvider>
  sealer: Sealer
  transfers: TransferStore
  transferIdOf(account: string, reference: string): TransferId
  queriesWanted: QueriesWanted
  clock: () => number
  logger: Logger
}

/** As a job brings it: sealed by itself, or opened together with its group. */
export type BroughtReceipt = Receipt | OpenReceipt

export interface Applied {
  outcome: ReceiptOutcome | 'parked'
  /** Missing where an unverified receipt names none. */
  transferId?: TransferId
}

export interface FailedReceipt {
  receipt: BroughtReceipt
  error: AppError
}

export interface Reconcile {
  /** Throws an AppError whose `retry` says whether it may pass. */
  applyOne(receipt: BroughtReceipt): Promise<Applied>
  /** Never throws for a receipt: what could not be applied is returned. */
  applyAll(receipts: readonly BroughtReceipt[]): Promise<FailedReceipt[]>
}

/** Losing the race this often to others who change the same transfer means that something is wrong. */
const attemptsMax = 16

export function createReconcile(deps: ReconcileDeps): Reconcile {
  const { providers, transfers, clock } = deps
  const noteUnverified = createNoteUnverified({ ...deps, attemptsMax })

  function observe(receipt: BroughtReceipt): Observation {
    const provider = providers.get(receipt.account)
    if (!provider) {
      throw new AppError('account-not-configured', {
        detail: `The account ${receipt.account} is not in the configuration. Add it and retry.`,
      })
    }
    const translation = provider.translate(openBody(receipt, deps.sealer))
    if (translation.outcome === 'not-understood') {
      throw new AppError('callback-not-understood', { detail: translation.reason })
    }
    return { ...translation.observation, receiptId: receipt.id }
  }

  async function applyObservation(observation: Observation, brought: BroughtReceipt): Promise<Applied> {
    const receipt = sealReceipt(brought, deps.sealer)
    const transferId = deps.transferIdOf(observation.account, observation.reference)
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const transfer = await transfers.find(transferId)
      if (!transfer) {
        if ((await transfers.park(transferId, receipt)) === 'parked') return { outcome: 'parked', transferId }
        continue
      }
      const request = describeCommit(transfer, observation, receipt, clock())
      const commit = await transfers.commit(request)
      if (commit.outcome === 'committed') return { outcome: request.result, transferId }
      if (commit.outcome === 'recorded-before') return { outcome: commit.result, transferId }
    }
    throw new AppError('commit-contended', { context: { transferId } })
  }

  async function apply(receipt: BroughtReceipt, read: () => Observation): Promise<Applied> {
    const startedAt = clock()
    const ids = { receiptId: receipt.id, account: receipt.account }
    try {
      const applied = receipt.unverified
        ? await noteUnverified(sealReceipt(receipt, deps.sealer), read)
        : await applyObservation(read(), receipt)
      const timing = { durationMs: clock() - startedAt, ageMs: clock() - receipt.receivedAt }
      const level = applied.outcome === 'held' ? 'warn' : 'info'
      deps.logger[level]('callback.applied', { ...ids, ...applied, ...timing })
      return applied
    } catch (error) {
      const failure = describeRedisTrouble(error) ?? asAppError(error)
      const level = failure.retry === 'never' ? 'error' : 'warn'
      deps.logger[level]('callback.not-applied', {
        ...ids,
        code: failure.code,
        retry: failure.retry,
        error: failure,
      })
      throw failure
    }
  }

  async function applyInOrder(line: readonly Reading[], failed: FailedReceipt[]): Promise<void> {
    for (const { receipt, read } of line) {
      try {
        await apply(receipt, read)
      } catch (error) {
        failed.push({ receipt, error: asAppError(error) })
      }
    }
  }

  /** Reads once. One that cannot be read has no transfer, so it stands in a line of its own. */
  function readReceipt(receipt: BroughtReceipt): Reading {
    try {
      const observation = observe(receipt)
      const line = deps.transferIdOf(observation.account, observation.reference)
      return { receipt, line, read: () => observation }
    } catch (error) {
      const read = () => {
        throw error
      }
      return { receipt, line: receipt.id, read }
    }
  }

  return {
    applyOne: (receipt) => apply(receipt, () => observe(receipt)),
    async applyAll(receipts) {
      const failed: FailedReceipt[] = []
      const lines = groupByLine(receipts.map(readReceipt))
      await Promise.all(lines.map((line) => applyInOrder(line, failed)))
      return failed
    },
  }
}

const placeOf = (receipt: { id: string }) => `receipt:${receipt.id}`

function openBody(receipt: BroughtReceipt, { open }: Sealer): Buffer {
  return 'opened' in receipt ? receipt.opened : open(receipt.body, placeOf(receipt))
}

/** For where it will rest by itself. */
export function sealReceipt(receipt: BroughtReceipt, { seal }: Sealer): Receipt {
  if (!('opened' in receipt)) return receipt
  const { opened, ...head } = receipt
  return { ...head, body: seal(opened, placeOf(receipt)) }
}

/** A receipt that was read, or the error of reading it, to be met when its turn comes. */
interface Reading {
  receipt: BroughtReceipt
  line: string
  read(): Observation
}

function groupByLine(readings: readonly Reading[]): Reading[][] {
  const lines = new Map<string, Reading[]>()
  for (const reading of readings) {
    const line = lines.get(reading.line)
    if (line) line.push(reading)
    else lines.set(reading.line, [reading])
  }
  return [...lines.values()]
}

function describeCommit(
  before: Transfer,
  observation: Observation,
  receipt: Receipt,
  now: number,
): CommitRequest {
  const decision = decide(before, observation, now)
  const base = { before, receipt, at: now }
  if (decision.verdict !== 'applied' && decision.verdict !== 'held') {
    return { ...base, event: undefined, result: decision.verdict }
  }
  const because: TransferEvent['because'] = { source: observation.source, receipt: receipt.id }
  if (decision.verdict === 'held') because.reason = decision.reason
  const { fact, transfer } = decision
  return { ...base, event: { fact, transfer, because, at: now }, result: decision.verdict }
}
