/** How what we send ourselves gets to its provider. */
import { decide } from '../../../src/domain/decide.ts'
import { cancelTransfer } from '../../../src/domain/decide-transfer.ts'
import type { Step } from '../../../src/domain/decision.ts'
import type { Intent } from '../../../src/domain/intent.ts'
import { type Observation, resolutionActions } from '../../../src/domain/observation.ts'
import { findObstacle, resolveHold } from '../../../src/domain/resolve.ts'
import {
  beginReserving,
  beginSending,
  expireSubmission,
  followBatch,
  type SubmissionStep,
  sendWithBatch,
  submissionSteps,
  takeBack,
} from '../../../src/domain/submission.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import {
  batch,
  now,
  outcomeOf,
  rupiah,
  seenSubmission,
  seenTransfer,
  totals,
  transfer,
} from '../../support/intents.ts'
import { describe, describeSteps } from './describe.ts'
import { code, table } from './markdown.ts'

const named = { kind: 'bank', nameDigest: 'john' } as const
const refusal = { status: 'refused', failure: { code: 'insufficient-funds', reason: 'NOT_ENOUGH' } } as const
const at = (step: SubmissionStep, fields: Partial<Transfer> = {}) =>
  transfer({
    state: 'submitted',
    ...fields,
    submission: { step, at: now, ...(step === 'reserved' && { validUntil: now + 1_800_000 }) },
  })

/** The fact that it is, and the step that it leads to. */
function toStep(step: Step | undefined): string {
  if (!step) return ''
  const { fact, intent } = step
  const isMoved = intent.state !== 'submitted' && fact.name === intent.state
  return isMoved ? `**→ ${intent.state}**` : `${code(fact.name)}: ${code(intent.submission?.step ?? '')}`
}

function answered(before: Transfer, seen: Observation): string {
  const decision = decide(before, seen, now)
  if (decision.verdict === 'held' || !('steps' in decision)) return describe(decision)
  return toStep(decision.steps.at(-1))
}

export function sending(): string[] {
  return ['## Sending', ...steps(), ...answers(), ...doubts(), ...words(), ...withBatch()]
}

function steps(): string[] {
  const own: SubmissionStep[] = ['waiting', 'reserving', 'reserved', 'sending', 'acknowledged']
  return [
    `What we send ourselves has a step beside its state. Each step before a call is committed before the call is made, so whoever finds
it taken knows that the call may have been made, and asks before anything is sent again. A pay-in has none; steps are not shown, their
facts are.`,
    table(
      ['step', 'what is known'],
      (
        [
          ['waiting', 'nothing was sent; it is to be'],
          ['reserving', 'the provider may have been asked to set the money aside, which moves none'],
          ['reserved', 'it is set aside for some time'],
          ['sending', 'the order to pay may have been given'],
          ['acknowledged', 'the provider says that it has the order, which says nothing about the money'],
          ['refused', 'of a batch: it was refused for good, and its transfers follow'],
          ['withdrawn', 'of a batch: a person took it back before it was accepted, and its transfers follow'],
        ] satisfies [SubmissionStep, string][]
      ).map(([step, what]) => [code(step), what]),
    ),
    'Only where a provider sets money aside first are there the second and third. What we do about a transfer:',
    table(
      [
        'step',
        'money is about to be set aside',
        'the order is about to be given',
        'the call was certainly not made',
        'the time for it is over',
        'cancel',
      ],
      own.map((step) => [
        code(step),
        toStep(beginReserving(at(step), now)),
        toStep(beginSending(at(step), now)),
        toStep(takeBack(at(step), now)),
        toStep(expireSubmission(at(step), 0, Infinity)),
        toStep(cancelTransfer(at(step), now)),
      ]),
    ),
    `The first call of all makes it \`submitted\`. None of these is done to what is held, nor once it is known what became of it. Nothing is
ever sent again from \`sending\` by itself, but where a provider takes the same number twice for one (WeChat Pay). \`overdue\` says once that
something takes longer than its account allows, and moves nothing.`,
  ]
}

function answers(): string[] {
  const seen: [string, Observation][] = [
    ['set aside', seenSubmission({ payee: named })],
    ['it has the order', seenSubmission({ status: 'acknowledged' })],
    ['refused for good', seenSubmission({ ...refusal, remedy: 'failed' })],
    ['refused, to be mended', seenSubmission({ ...refusal, remedy: 'operator' })],
    ['`processing` is reported', seenTransfer({ status: 'processing' })],
    ['`succeeded` is reported', seenTransfer()],
  ]
  const own = submissionSteps.filter((step) => step !== 'refused' && step !== 'withdrawn')
  return [
    '### What the provider says',
    table(
      ['step', ...seen.map(([what]) => what)],
      own.map((step) => [code(step), ...seen.map(([, one]) => answered(at(step), one))]),
    ),
    `No answer to a call moves money: that is told by callbacks and queries, and whatever they tell is true at any step. What was only
set aside is as pending at some providers as what is being paid, so \`processing\` says nothing before the order. An answer that comes after
what it is about is stale. No answer at all is no failure: it is asked about.`,
  ]
}

function doubts(): string[] {
  const seen: [string, Observation][] = [
    ['another name than registered', seenSubmission({ payee: { ...named, nameDigest: 'jane' } })],
    ['no name', seenSubmission({ payee: { kind: 'bank' } })],
    ['another amount', seenSubmission({ payee: named, amount: rupiah(1n) })],
    ['another account', seenSubmission({ payee: { ...named, person: 'other' } })],
    ['a number that stands for another intent', seenSubmission({ payee: named, takenBy: 'another' })],
  ]
  const forced = transfer({ state: 'submitted', submission: { step: 'reserving', at: now, force: true } })
  return [
    'What was set aside must be what was ordered:',
    table(
      ['the provider names', 'it is', 'it is, where it was forced'],
      seen.map(([what, one]) => [what, answered(at('reserving'), one), answered(forced, one)]),
    ),
  ]
}

function words(): string[] {
  const theirs = seenSubmission({ ...refusal, remedy: 'operator' })
  const doubt = seenSubmission({ payee: { ...named, nameDigest: 'jane' }, validUntil: now + 1_800_000 })
  const late = now + 1_800_000
  const refused = batch({ state: 'submitted', submission: { step: 'sending', at: now } })
  const ofBatch = seenSubmission({ ...refusal, of: 'batch', remedy: 'operator' })
  const cases: [string, Intent, Observation, number, boolean][] = [
    ['the name differs', at('reserving'), doubt, now, false],
    ['the same, and what was set aside has run out', at('reserving'), doubt, late, false],
    ['refused while it was set aside', at('reserving'), theirs, now, false],
    ['the order was refused', at('sending'), theirs, now, false],
    ['the same, and the provider has said more since', at('sending'), theirs, now, true],
    ['a batch was refused', refused, ofBatch, now, false],
    [
      '`sending`, another amount is reported',
      at('sending'),
      seenTransfer({ amount: rupiah(1n) }),
      now,
      false,
    ],
  ]
  return [
    '### What a person says',
    table(
      ['held', ...resolutionActions.map(code)],
      cases.map(([what, before, seen, later, since]) => {
        const held = outcomeOf(before, decide(before, seen, now, totals({})))
        return [what, ...resolutionActions.map((action) => say(held, action, seen, later, since))]
      }),
    ),
    `\`keep-ours\` goes on with it: it is paid all the same, and what was refused is sent again, under the same number. Where the provider has
said more since it was held it may have been paid: then it is asked about and not sent, neither called off nor failed, and what was said of
the money can be taken. Nobody can cancel what may be paid at this very moment; whoever takes that for unpaid pays it twice. A refusal that
comes again holds it again.`,
  ]
}

function say(
  held: Intent,
  action: (typeof resolutionActions)[number],
  theirs: Observation,
  later: number,
  since: boolean,
): string {
  const asked = { action, theirs, since, dismissed: [] }
  if (findObstacle(held, asked) !== undefined) return 'refused'
  const steps = resolveHold(held, asked, later)
  const last = steps.at(-1)?.intent
  const isOpen = last?.state === 'submitted'
  return `${describeSteps(steps)}${isOpen ? `, ${code(last?.submission?.step ?? '')}` : ''}`
}

function withBatch(): string[] {
  const one = (state: Transfer['state'], fields: Partial<Transfer> = {}) => transfer({ state, ...fields })
  const refused = {
    submission: { step: 'refused', at: now, failure: { code: 'payer-not-allowed' } },
  } as const
  const withdrawn = { submission: { step: 'withdrawn', at: now } } as const
  const rows: [string, Transfer][] = [
    ['`registered`', one('registered')],
    ['`submitted`', one('submitted')],
    ['`processing`', one('processing')],
    ['`cancelled`', one('cancelled')],
    ['`registered`, to be sent by itself', one('registered', { submission: { step: 'waiting', at: now } })],
  ]
  const follow = (before: Transfer, of: Parameters<typeof followBatch>[1]) =>
    toState(followBatch(before, of, now))
  return [
    '### A batch that its provider knows',
    `Its transfers are \`submitted\` first, then it is sent as a whole. That the provider knows of it proves that it was sent, also while it is
held for a refusal; it can then not be withdrawn. What was cancelled before is not in it, and keeps no other from being sent.`,
    table(
      ['a transfer that is', 'the batch is about to be sent', 'it was refused for good', 'it was withdrawn'],
      rows.map(([what, before]) => [
        what,
        toState(sendWithBatch(before, now)),
        follow(before, refused),
        follow(before, withdrawn),
      ]),
    ),
  ]
}

const toState = (step: Step | undefined) => (step ? `**→ ${step.intent.state}**` : 'nothing')
