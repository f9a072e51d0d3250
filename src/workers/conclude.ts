/**
 * What is to be written of one receipt, given what it says and what is known: pure. Everything goes through `decide()`; what
 * an intent remembers of earlier callbacks tells which kind of repeat one is that changes nothing. What is held has a
 * case with it, and what comes while a case is open is attached to it.
 */
import { attachReceipt, openDriftCase, openHeldCase } from '../domain/case.ts'
import { decide } from '../domain/decide.ts'
import type { BatchDecision } from '../domain/decide-batch.ts'
import type { Decision } from '../domain/decision.ts'
import type { Because } from '../domain/event.ts'
import type { Intent } from '../domain/intent.ts'
import type { Observation } from '../domain/observation.ts'
import type { OpenReceipt, ReceiptOutcome } from '../domain/receipt.ts'
import { classifyRepeat, type Heard, type RepeatClass } from '../domain/repeats.ts'
import type { CommitRequest } from '../store/commit.ts'
import type { Loaded } from '../store/intents.ts'
import { namesOther, type Observed } from './observe.ts'

type Found = Extract<Loaded, { outcome: 'found' }>

/** An intent remembers this many receipts; of those that say nothing new, more are counted and not kept. */
const repeatsKept = 64

export function conclude(
  found: Found,
  observed: Observed,
  receipt: OpenReceipt,
  windowMs: number,
  now: number,
): CommitRequest {
  const { observation, heard } = observed
  const { intent, totals } = found
  const because: Because = { source: observation.source, receipt: receipt.id }
  const decision = decide(intent, observation, now, totals?.totals)
  const isShown = decision.verdict === 'awaits-person' && isInCase(found, heard)
  const verdict = isShown ? 'repeat' : decision.verdict
  const repeat = countedAs(classifyRepeat(found.heard, heard, windowMs), verdict, found, heard)
  const base = { before: intent, steps: [], because, at: now, ...(repeat && { repeat }) }
  const other = namesOther(intent, observed)
  const record = (outcome: ReceiptOutcome) => ({ open: receipt, outcome, heard, other })
  const keep = (outcome: 'repeat' | 'stale') =>
    isWorthKeeping(found, heard, repeat) ? { ...base, receipt: record(outcome) } : base
  if (isShown) return keep('repeat')
  switch (decision.verdict) {
    case 'repeat':
      return keep('repeat')
    case 'stale':
      return { ...keep('stale'), ...(decision.ask && { ask: true }) }
    case 'awaits-person':
      return { ...base, receipt: record('awaits-person'), ...attach(found, receipt) }
    case 'held':
      return {
        ...base,
        ...describeHold(decision, because, observation, now),
        receipt: record('held'),
        ask: true,
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

/**
 * Of what changes nothing: each callback that says something of its own, and so many of the others. A question may be asked a
 * hundred times: the answer is kept where it is another one than before.
 */
function isWorthKeeping({ heard: known }: Found, now: Heard, repeat: RepeatClass | undefined): boolean {
  const isSaid = ({ asked, fact, receipt }: Heard) => asked && fact === now.fact && receipt !== now.receipt
  if (now.asked && known.some(isSaid)) return false
  return (!repeat && !now.asked) || known.length < repeatsKept
}

/**
 * What changed something is no repeat, and what only seemed to say something else, as one that leaves out what the other
 * had, is no mutation: a mutated one always has a case. Each receipt is counted once, however often it is decided on.
 */
function countedAs(
  seemsTo: RepeatClass | undefined,
  verdict: Decision['verdict'],
  { heard }: Found,
  { receipt, asked }: Heard,
): RepeatClass | undefined {
  if (asked || verdict === 'applied' || heard.some((one) => one.receipt === receipt)) return undefined
  if (verdict === 'held' || verdict === 'awaits-person') return seemsTo
  const isKnown = verdict === 'repeat' || seemsTo !== undefined
  return isKnown ? (seemsTo === 'identical' ? 'identical' : 're-sent') : undefined
}

/** The case shows the same already: a thousand more of it would help nobody. An answer to a question is shown once as well. */
function isInCase({ heard, case: known }: Found, now: Heard): boolean {
  if (known?.kind !== 'held') return false
  const shown = new Set<string | undefined>([known.known, ...known.receipts])
  return heard.some(
    (one) =>
      one.receipt !== now.receipt &&
      one.fact === now.fact &&
      one.asked === now.asked &&
      shown.has(one.receipt),
  )
}

function attach({ case: known }: Found, { id }: OpenReceipt): Pick<CommitRequest, 'case'> {
  if (known?.kind !== 'held' || known.state !== 'open') return {}
  const after = attachReceipt(known, id)
  return after ? { case: { before: known, after } } : {}
}

function describeHold(
  { steps, reason }: Extract<Decision, { verdict: 'held' }>,
  because: Because,
  seen: Observation,
  now: number,
): Pick<CommitRequest, 'steps' | 'because' | 'case'> {
  const held = steps.at(-1)?.intent
  const doubt = seen.kind === 'submission' && seen.again && { reason: doubtOfRepeat }
  return {
    steps,
    because: { ...because, reason },
    ...(held?.hold && {
      case: { after: { ...openHeldCase({ ...held, hold: held.hold }, seen.receiptId, now), ...doubt } },
    }),
  }
}

const doubtOfRepeat =
  'The provider refused it when it was sent again. What became of what was sent before is not known: ask the provider before it is called off or paid otherwise.'

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
