/**
 * A person's word on a case. One about a callback or a drift is only noted as dealt with. One about a held intent decides
 * it: released, moved where they say so, the case resolved, and what came meanwhile ready to be decided anew, all in one
 * step.
 */
import { type CaseResolved, resolveCase } from '../domain/case.ts'
import { AppError } from '../domain/errors.ts'
import { type CaseId, type ReceiptId, readCaseId } from '../domain/ids.ts'
import type { OperatorResolution } from '../domain/observation.ts'
import type { OpenReceipt } from '../domain/receipt.ts'
import { findObstacle, findRuledOn, resolveHold } from '../domain/resolve.ts'
import type { Cases } from '../store/cases.ts'
import type { ReceiptRecord } from '../store/codec/receipt.ts'
import { type CommitRequest, isSettled } from '../store/commit.ts'
import type { IntentStore, Loaded } from '../store/intents.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CaseReceipts } from './case-receipts.ts'
import {
  cannotTake,
  describeResolution,
  type HeldAbout,
  noSuchCase,
  type ResolveRequest,
  readRequest,
  refuseAction,
  resolvedOtherwise,
} from './resolve-request.ts'

export interface ResolveCaseDeps {
  cases: Pick<Cases, 'find' | 'resolve'>
  intents: Pick<IntentStore, 'load' | 'commit' | 'moveNumber'>
  receipts: CaseReceipts
  /** What is to be decided anew goes on from here. */
  pumpReady(): Promise<unknown>
  clock: () => number
  logger: Logger
}

export type ResolveCase = (request: ResolveRequest) => Promise<CaseResolved>

type Found = Extract<Loaded, { outcome: 'found' }>

/** Losing the race this often to others who change the same intent means that something is wrong. */
const attemptsMax = 16

export function createResolveCase(deps: ResolveCaseDeps): ResolveCase {
  const { cases, intents, receipts, clock, logger } = deps

  async function resolveNoted(id: CaseId, { by, reason }: ResolveRequest): Promise<CaseResolved> {
    const resolution = { resolution: 'by-person', resolvedBy: by, resolvedBecause: reason } as const
    const resolved = await cases.resolve(id, resolution)
    if (!resolved) throw noSuchCase()
    return resolved
  }

  /** Undefined where somebody else was quicker. */
  async function resolveHeld(known: HeldAbout, request: ResolveRequest): Promise<CaseResolved | undefined> {
    const { action, by, reason, receipt } = readRequest(request, known)
    const resolved = resolveCase(known, describeResolution(request, action, receipt), clock())
    if (resolved.outcome !== 'resolved') return resolved
    const [found] = await intents.load([known.intent])
    if (found?.outcome !== 'found' || found.intent.hold?.case !== known.id) return undefined
    const { intent, heard } = found
    const records = await receipts.find(known.intent, known.receipts)
    const taken = receipt === undefined ? undefined : await take(records, receipt)
    const theirs = taken?.observation
    const dismissed = findRuledOn(intent, heard, { action, opened: known.receipts[0], theirs })
    const since = records.some(({ id, outcome }) => id !== receipt && outcome === 'awaits-person')
    const resolution: OperatorResolution = { action, dismissed, since, ...(theirs && { theirs }) }
    const obstacle = findObstacle(intent, resolution)
    if (obstacle !== undefined) throw new AppError('cannot-resolve', { detail: obstacle })
    const ready = await receipts.reopen(records.filter(({ id }) => id !== receipt))
    // First: should the process die in between, somebody is held who need not be, and nobody is paid by another's payout.
    if (taken?.number) await intents.moveNumber(taken.number, taken.target)
    const steps = resolveHold(intent, resolution, clock())
    const after = steps.at(-1)?.intent ?? intent
    const commit = await intents.commit({
      before: intent,
      steps,
      because: { source: 'operator', by, reason, ...(receipt && { receipt }) },
      case: { before: known, after: resolved.after },
      ready,
      ...(taken?.waits && recordTaken(taken, found)),
      // While it was held it was hardly asked about, and what it waits for may be known by now.
      ...(!isSettled(after) && { ask: true }),
      at: clock(),
    })
    if (commit.outcome !== 'committed') return undefined
    if (ready.length > 0) await pump()
    return resolved
  }

  async function take(records: readonly ReceiptRecord[], id: ReceiptId) {
    const record = records.find((one) => one.id === id)
    const read = record && (await receipts.read(record))
    if (!read || read.outcome === 'erased')
      throw cannotTake('What it said was erased, or has left with age, so it cannot be taken.')
    if (read.outcome === 'not-readable') throw cannotTake(read.because)
    const { open, observed } = read
    const { other } = record
    const { observation, number, target } = observed
    return { open, other, observation, number, target, waits: record.outcome === 'awaits-person' }
  }

  /** The workers look for what is ready by themselves; a failure here only makes it wait for them. */
  async function pump(): Promise<void> {
    await deps.pumpReady().catch((error) => logger.warn('ready.not-pumped', { error }))
  }

  return async (request) => {
    const id = readCaseId(request.id)
    if (!id) throw noSuchCase()
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const known = await cases.find(id)
      if (!known) throw noSuchCase()
      const resolved =
        known.kind === 'held'
          ? await resolveHeld(known, request)
          : await resolveNoted(id, refuseAction(request))
      if (!resolved) continue
      if (resolved.outcome === 'resolved-otherwise') throw resolvedOtherwise(resolved.after)
      if (resolved.outcome === 'resolved') {
        const { account, kind } = known
        const { by: principal, action } = request
        logger.info('case.resolved', { caseId: id, account, kind, by: 'person', principal, action })
      }
      return resolved
    }
    throw new AppError('commit-contended', { detail: 'The case is changing too quickly.' })
  }
}

/** It waited to be decided, and that is what became of it. */
function recordTaken(
  { open, other }: { open: OpenReceipt; other?: string | undefined },
  { heard }: Found,
): Pick<CommitRequest, 'receipt'> {
  const known = heard.find(({ receipt }) => receipt === open.id)
  return { receipt: { open, outcome: 'applied', other, ...(known && { heard: known }) } }
}
