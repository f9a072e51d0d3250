/**
 * What is to be written of one receipt, given what it says and what is known: pure. A callback that came before, in the same
 * bytes or in other ones, is a repeat and decides nothing. Anything else goes through `decide()`; what is held has a
 * case with it, and what comes while a case is open is attached to it.
 */
import { attachReceipt, type Case, openDriftCase, openHeldCase } from '../domain/case.ts'
import { decide } from '../domain/decide.ts'
import type { BatchDecision } from '../domain/decide-batch.ts'
import type { Because } from '../domain/event.ts'
import type { Intent } from '../domain/intent.ts'
import type { OpenReceipt, ReceiptOutcome } from '../domain/receipt.ts'
import { classifyRepeat } from '../domain/repeats.ts'
import type { CommitRequest } from '../store/commit.ts'
import type { Loaded } from '../store/intents.ts'
import type { Observed } from './observe.ts'

type Found = Extract<Loaded, { outcome: 'found' }>

/** An intent keeps this many receipts that came in the very same bytes; more of them are counted alone. */
const identicalKept = 32

export function conclude(
  found: Found,
  { observation, heard }: Observed,
  receipt: OpenReceipt,
  windowMs: number,
  now: number,
): CommitRequest {
  const { intent, totals } = found
  const repeat = classifyRepeat(found.heard, heard, windowMs)
  const because: Because = { source: observation.source, receipt: receipt.id }
  const base = { before: intent, steps: [], because, at: now }
  // What comes otherwise than before matters where it contradicts, and only there.
  const mutated = repeat && { repeat }
  const record = (outcome: ReceiptOutcome) => ({ open: receipt, outcome, heard })
  if (repeat === 'identical' || repeat === 're-sent') {
    const isKept = repeat === 're-sent' || found.heard.length < identicalKept
    return { ...base, repeat, ...(isKept && { receipt: record('repeat') }) }
  }
  const decision = decide(intent, observation, now, totals?.totals)
  switch (decision.verdict) {
    case 'repeat':
      return { ...base, repeat: 're-sent', receipt: record('repeat') }
    case 'stale':
      return { ...base, receipt: record('stale'), ...('ask' in decision && { ask: true }) }
    case 'awaits-person':
      return { ...base, ...mutated, receipt: record('awaits-person'), ...attach(found.case, receipt) }
    case 'held': {
      const held = decision.steps.at(-1)?.intent
      return {
        ...base,
        ...mutated,
        steps: decision.steps,
        because: { ...because, reason: decision.reason },
        receipt: record('held'),
        ask: true,
        ...(held?.hold && { case: { after: openHeldCase({ ...held, hold: held.hold }, receipt.id, now) } }),
      }
    }
    case 'applied':
      return {
        ...base,
        steps: decision.steps,
        because: 'warnings' in decision ? { ...because, warnings: decision.warnings } : because,
        receipt: record('applied'),
        ...(totals && { totals: { before: totals.totals, version: totals.version } }),
        ...('ask' in decision && decision.ask && { ask: true }),
        ...('drift' in decision && describeDrift(intent, decision, receipt, now)),
      }
  }
}

function attach(known: Case | undefined, { id }: OpenReceipt): Pick<CommitRequest, 'case'> {
  if (known?.kind !== 'held' || known.state !== 'open') return {}
  const after = attachReceipt(known, id)
  return after ? { case: { before: known, after } } : {}
}

function describeDrift(
  intent: Intent,
  { drift, steps }: Extract<BatchDecision, { verdict: 'applied' }>,
  { id }: OpenReceipt,
  now: number,
): Pick<CommitRequest, 'case'> {
  const sequence = steps.at(-1)?.fact.sequence
  if (drift === undefined || sequence === undefined) return {}
  const about = { code: 'provider-figures', reason: drift, sequence, receipts: [id] } as const
  return { case: { after: openDriftCase(intent, { ...about, receipts: [id] }, now) } }
}
