/**
 * docs/state-machine.md, as the code has it: each cell is a decision that was made, not one that was written down.
 * `npm run docs` writes it, and a test compares.
 */
import { type Batch, batchStates } from '../../src/domain/batch.ts'
import { openHeldCase } from '../../src/domain/case.ts'
import { type Coupon, couponStates } from '../../src/domain/coupon.ts'
import { decide } from '../../src/domain/decide.ts'
import { decideBatch, settleBatch } from '../../src/domain/decide-batch.ts'
import { decideCoupon } from '../../src/domain/decide-coupon.ts'
import { cancelTransfer, decideTransfer } from '../../src/domain/decide-transfer.ts'
import { caseIdOfHold, type ReceiptId } from '../../src/domain/ids.ts'
import { type HoldReason, holdReasons, type Intent } from '../../src/domain/intent.ts'
import {
  type Observation,
  observedBatchStatuses,
  observedStatuses,
  resolutionActions,
} from '../../src/domain/observation.ts'
import { classifyRepeat, type Heard } from '../../src/domain/repeats.ts'
import { findObstacle, resolveHold } from '../../src/domain/resolve.ts'
import { finalTransferStates, transferStates } from '../../src/domain/transfer.ts'
import {
  batch,
  collection,
  coupon,
  now,
  outcomeOf,
  rupiah,
  seenBatch,
  seenCollection,
  seenGrant,
  seenTransfer,
  seenUse,
  totals,
  transfer,
} from '../support/intents.ts'
import { code, diagram, type Edge, table } from './markdown.ts'

interface Decided {
  verdict: string
  ask?: boolean
  reason?: string
  steps?: readonly { fact: { name: string }; intent: { state: string } }[]
}

export function renderStateMachine(): string {
  return [...intro(), ...transfers(), ...holds(), ...repeats(), ...resolution(), ...batches(), ...rest()]
    .join('\n\n')
    .concat('\n')
}

function intro(): string[] {
  return [
    '<!-- Written by `npm run docs` from the code; a test compares the two. Change the code, or test/docs/state-machine.ts. -->',
    '# State machine',
    `What is observed of an intent, be it by a callback, by the answer to a query or by a person, goes through one pure
function, \`decide()\` (src/domain). This is what it decides, in every case there is.`,
    table(
      ['decision', ''],
      [
        ['**→ state**', 'applied: the state moves, and an event says so'],
        ['**held**', 'the state stays; a case is open, and the provider is asked; a person decides'],
        ['repeat', 'known already: recorded, and nothing changes'],
        ['stale', 'true once, overtaken since: recorded, and nothing changes'],
        ['awaits-person', 'it is held: recorded, shown in the case, and decided once the person has'],
      ],
    ),
    `Each change takes the next \`sequence\` number of its intent, so that a gap would show. It is committed only on the intent
that it was decided on, or decided again.`,
  ]
}

function transfers(): string[] {
  const edges = transferStates.flatMap((state): Edge[] => {
    const seen = observedStatuses.flatMap((status) => {
      const before = transfer({ state })
      const { state: to } = outcomeOf(before, decideTransfer(before, seenTransfer({ status }), now))
      return to === state ? [] : [{ from: state, to, by: status }]
    })
    const cancelled = cancelTransfer(transfer({ state }), now)
    return cancelled ? [...seen, { from: state, to: cancelled.intent.state, by: 'cancel' }] : seen
  })
  const final = transferStates.filter((state) => finalTransferStates.has(state))
  return [
    '## Transfers',
    diagram('registered', edges, final),
    `Beside any state stands \`held\`, while a case is open. Only a person's ruling leads out of a final state otherwise than
from \`succeeded\` to \`returned\`, as \`transfer.corrected\`. \`submitted\` and \`expired\` belong to submitting: callbacks lead out of
them and never into them.`,
    table(
      ['', ...observedStatuses.map(code)],
      transferStates.map((state) => [
        code(state),
        ...observedStatuses.map((status) =>
          describe(decideTransfer(transfer({ state }), seenTransfer({ status }), now)),
        ),
      ]),
    ),
    'Held for the reason `final-state-contradicted`. `cancel` (`POST /v1/transfers/{id}/cancel`) is taken only where it is drawn.',
    '### Order',
    'By what the provider says of when it was so. Where either says nothing of that, the order is that of arrival.',
    order(),
  ]
}

function order(): string {
  const cases: [string, Parameters<typeof transfer>[0], Parameters<typeof seenTransfer>[0]][] = [
    ['`processing`', { state: 'processing' }, { status: 'succeeded' }],
    ['`succeeded`', { state: 'succeeded' }, { status: 'returned' }],
    ['`succeeded`', { state: 'succeeded' }, { status: 'processing' }],
    ['`succeeded`', { state: 'succeeded' }, { status: 'failed' }],
  ]
  return table(
    ['known', 'observed', 'older', 'of the same time', 'newer'],
    cases.map(([known, fields, said]) => [
      known,
      code(said?.status ?? ''),
      ...[-1, 0, 1].map((later) =>
        describe(
          decideTransfer(
            transfer({ ...fields, asOf: now }),
            seenTransfer({ ...said, occurredAt: now + later }),
            now,
          ),
        ),
      ),
    ]),
  )
}

/** For each reason what brings it about. */
const differences: Record<HoldReason, [Intent, Observation]> = {
  'amount-differs': [transfer(), seenTransfer({ amount: rupiah(1n) })],
  'currency-differs': [transfer(), seenTransfer({ amount: { minor: 2500000n, currency: 'CNY' } })],
  'account-number-differs': [transfer(), seenTransfer({ payee: { kind: 'bank', person: 'other' } })],
  'openid-differs': [
    transfer({ payee: { kind: 'wechatpay' } }),
    seenTransfer({ payee: { kind: 'wechatpay', person: 'other' } }),
  ],
  'provider-reference-differs': [transfer({ providerReference: 'another' }), seenTransfer()],
  'provider-reference-taken': [transfer(), seenTransfer({ takenBy: 'another' })],
  'reference-differs': [collection(), seenCollection({ reference: 'another' })],
  'final-state-contradicted': [transfer({ state: 'succeeded' }), seenTransfer({ status: 'failed' })],
  'consumed-too-much': [coupon(), seenUse({ amount: rupiah(101n) })],
}

function holds(): string[] {
  const rows = holdReasons.map((reason) => {
    const [intent, seen] = differences[reason]
    const decided: Decided = decide(intent, seen, now)
    if (decided.reason !== reason) throw new Error(`${reason} is not what holds, but ${decided.reason}.`)
    const hold = { reason, case: caseIdOfHold(intent.id, 2) }
    const { reason: sentence } = openHeldCase({ ...intent, hold }, 'rc-1' as ReceiptId, now)
    const holding = { state: intent.state, held: 'held' }
    return [code(reason), code(intent.kind), sentence, `${code(holding.state)}, ${holding.held}`]
  })
  const named = transfer({ payee: { kind: 'bank', nameDigest: 'another' } })
  const warned = decideTransfer(named, seenTransfer(), now)
  const warnings = 'warnings' in warned ? (warned.warnings ?? []) : []
  const held = transfer({ hold: { reason: 'amount-differs', at: now, case: caseIdOfHold(transfer().id, 2) } })
  return [
    '## Holds',
    'What is reported must be about the very payout that is registered, whatever state it is in and whatever is reported.',
    table(['reason', 'for instance of a', 'what is written in the case', 'leaves it'], rows),
    `Another name alone is ${describe(warned)}, with the warning ${warnings.map(code).join()}: banks write names as they like. A number
is compared without spaces, dots, slashes and hyphens, and only with one of its own kind. A coupon is held also when another number or
stock is reported (\`provider-reference-differs\`), a pay-in also for another fee or net amount (\`amount-differs\`).`,
    table(
      ['while it is held', ''],
      observedStatuses.map((status) => [
        code(status),
        describe(decideTransfer(held, seenTransfer({ status }), now)),
      ]),
    ),
    `What comes meanwhile is attached to the case, the same thing once; the answer of the query that each hold asks for is
attached as well, also where it says what a callback said before. What a person has ruled on holds nothing again, unless
it is said to have happened after their ruling.`,
  ]
}

function repeats(): string[] {
  const heard = (fields: Partial<Heard>): Heard => {
    return { receipt: 'rc-1' as ReceiptId, at: 0, body: '1', fact: '1', identity: '1', ...fields }
  }
  const other = { receipt: 'rc-2' as ReceiptId, at: 1 }
  const rows: [string, Partial<Heard>, number][] = [
    ['the same bytes', {}, 1],
    [
      'the same fact: a new envelope, other timestamps, a name or a number spelled otherwise',
      { body: '2' },
      1,
    ],
    ['the same identity with another amount, currency, account or reference', { body: '2', fact: '2' }, 1],
    ['something else', { body: '2', fact: '2', identity: '2' }, 1],
    ['the same bytes after `duplicateWindowDays`', {}, 0],
    ['the same bytes as the answer to a query', { asked: true }, 1],
  ]
  return [
    '## Repeats',
    table(
      ['a callback that brings', 'is counted as'],
      rows.map(([what, fields, windowMs]) => [
        what,
        classifyRepeat([heard({})], heard({ ...other, ...fields }), windowMs) ?? 'no repeat by its content',
      ]),
    ),
    `The memory is the intent's own and lasts \`duplicateWindowDays\`, whatever the queue remembers. It decides nothing: that is
left to the tables, which know what is known for ever. So what changes a state is counted as no repeat, and a mutated one is
always held or attached to an open case; one that only leaves out what another said is re-sent. An intent remembers 64 receipts;
repeats beyond these are counted and not kept. \`GET /v1/accounts/{id}/repeats\` shows the counts.`,
  ]
}

function resolution(): string[] {
  const cases: [string, Intent, Observation][] = [
    ['`registered`, another amount succeeded', transfer(), seenTransfer({ amount: rupiah(1n) })],
    [
      '`succeeded`, `failed` was reported',
      transfer({ state: 'succeeded' }),
      seenTransfer({ status: 'failed' }),
    ],
    ['`failed`, `succeeded` was reported', transfer({ state: 'failed' }), seenTransfer()],
    ['`cancelled`, `succeeded` was reported', transfer({ state: 'cancelled' }), seenTransfer()],
    [
      '`succeeded`, `processing` was reported of another amount',
      transfer({ state: 'succeeded' }),
      seenTransfer({ status: 'processing', amount: rupiah(1n) }),
    ],
    [
      '`registered`, another currency',
      transfer(),
      seenTransfer({ amount: { minor: 2500000n, currency: 'CNY' } }),
    ],
    ['a coupon, `failed`, was used', coupon({ state: 'failed' }), seenUse()],
    ['a pay-in of another amount', collection(), seenCollection({ amount: rupiah(1n) })],
  ]
  return [
    '## Resolution',
    table(
      ['held', ...resolutionActions.map(code)],
      cases.map(([what, intent, theirs]) => [
        what,
        ...resolutionActions.map((action) => {
          const held = outcomeOf(intent, decide(intent, theirs, now))
          const asked = { action, theirs, dismissed: [] }
          const obstacle = findObstacle(held, asked)
          if (obstacle !== undefined) return 'refused'
          return describeSteps(resolveHold(held, asked, now))
        }),
      ]),
    ),
    `All of it is one step: the release, the move, the case, and that what came meanwhile is decided anew. \`amount\` stays as it
was registered; what was taken for it is \`settledAmount\`, which counts in the sums of a batch. Their state is not taken where it is
overtaken. Without what they said, as after an erasure, \`keep-ours\` and \`cancel\` remain.`,
  ]
}

function batches(): string[] {
  const published = 'succeeded:2:300'
  const open = totals({ processing: [1, 100n], succeeded: [1, 200n] })
  const paid = totals({ succeeded: [2, 300n] })
  const figures = { count: 2, succeededCount: 2 }
  const cell = (state: Batch['state'], status: (typeof observedBatchStatuses)[number]) => {
    const before = batch({ state, ...((state === 'finished' || state === 'closed') && { published }) })
    const sums = state === 'finished' || state === 'closed' ? paid : totals({ registered: [2, 300n] })
    const seen = status === 'finished' || status === 'closed' ? { status, figures } : { status }
    return describe(decideBatch(before, seenBatch(seen), sums, now))
  }
  const known: [string, Batch, ReturnType<typeof totals>][] = [
    ['none has moved', batch(), totals({ registered: [2, 300n] })],
    ['the first has moved', batch(), open],
    ['the last is final', batch({ state: 'processing' }), paid],
    [
      'one of a finished batch comes back',
      batch({ state: 'finished', published }),
      totals({ succeeded: [1, 200n], returned: [1, 100n] }),
    ],
    ['nothing has moved since', batch({ state: 'finished', published }), paid],
    [
      'the provider counts other successes',
      batch({ state: 'finished', published, figures: { succeededCount: 1 } }),
      paid,
    ],
    ['one of a closed batch moves', batch({ state: 'closed', published: '' }), open],
  ]
  return [
    '## Batches',
    `A batch is finished by its transfers alone. That its provider calls it finished is a hint to ask about those that are not, and a
figure to compare.`,
    '### By its transfers',
    table(
      ['', 'what follows'],
      known.map(([what, before, sums]) => [
        what,
        describeSteps(settleBatch(before, sums, now).steps) || 'nothing',
      ]),
    ),
    `\`finished\` is published once, \`amended\` for each later movement. With \`drifted\` a case is opened; the provider may count what
came back as paid or as failed. Sums are compared once every transfer is final, the count and the total at once.`,
    '### By its provider',
    table(
      [
        '',
        ...observedBatchStatuses.map(
          (status) =>
            `${code(status)}${status === 'finished' || status === 'closed' ? ', with figures' : ''}`,
        ),
      ],
      batchStates.map((state) => [
        code(state),
        ...observedBatchStatuses.map((status) => cell(state, status)),
      ]),
    ),
    `Without anything new a hint changes nothing, and asks while transfers are open. Older figures are stale. The batch's first number at
the provider stays.`,
  ]
}

function rest(): string[] {
  const observed: [string, Observation & { kind: 'coupon-grant' | 'coupon-use' }][] = [
    ['granted', seenGrant()],
    ['failed', seenGrant({ status: 'failed' })],
    ['used', seenUse()],
  ]
  const decideFor = (before: Coupon, seen: (typeof observed)[number][1]) =>
    describe(decideCoupon(before, seen, now))
  const numbered = coupon({ state: 'granted', couponNumber: 'c-1' })
  const grants: [string, Coupon, Parameters<typeof seenGrant>[0]][] = [
    ['its number, which was not known', coupon({ state: 'granted' }), {}],
    ['another number', numbered, { couponNumber: 'c-2' }],
    ['a number that leads to another coupon', coupon(), { takenBy: 'co-other' }],
  ]
  const once = coupon({
    ...numbered,
    uses: [{ transaction: 'trx-1', amount: rupiah(40n), at: now, receipt: 'rc-1' }],
  })
  const uses: [string, Parameters<typeof seenUse>[0]][] = [
    ['the same consumption again', {}],
    ['the same with another amount', { amount: rupiah(41n) }],
    ['another consumption', { transaction: 'trx-2' }],
    ['more than is left', { transaction: 'trx-2', amount: rupiah(61n) }],
  ]
  const payins: [string, Parameters<typeof seenCollection>[0]][] = [
    ['the same again', {}],
    ['another amount, fee or net', { net: rupiah(1n) }],
    ['another currency', { amount: { minor: 500n, currency: 'CNY' } }],
    ['another reference', { reference: 'another' }],
  ]
  return [
    '## Coupons',
    table(
      ['', ...observed.map(([name]) => code(name))],
      couponStates.map((state) => [
        code(state),
        ...observed.map(([, seen]) => decideFor(state === 'granted' ? numbered : coupon({ state }), seen)),
      ]),
    ),
    table(
      ['of a coupon that was granted', ''],
      grants.map(([what, before, fields]) => [what, decideFor(before, seenGrant(fields))]),
    ),
    table(
      ['of a coupon that was used', ''],
      uses.map(([what, fields]) => [what, decideFor(once, seenUse(fields))]),
    ),
    '## Pay-ins',
    'Nobody registers a pay-in: the first callback about a number of the provider makes it, as `completed`.',
    table(
      ['of one that is known', ''],
      payins.map(([what, fields]) => [what, describe(decide(collection(), seenCollection(fields), now))]),
    ),
  ]
}

function describe({ verdict, ask, reason, steps = [] }: Decided): string {
  const asks = ask ? ', and asks' : ''
  if (verdict === 'held')
    return reason === 'final-state-contradicted' ? '**held**' : `**held** (${code(reason ?? '')})`
  return verdict === 'applied' ? `${describeSteps(steps)}${asks}` : `${verdict}${asks}`
}

/** The facts in order; the state where the last one's name does not say it. */
function describeSteps(steps: NonNullable<Decided['steps']>): string {
  const names = steps.map(({ fact }) => fact.name)
  const last = steps.at(-1)
  if (!last) return ''
  if (names.length === 1 && names[0] === last.intent.state) return `**→ ${last.intent.state}**`
  const facts = names.map(code).join(', ')
  return names.at(-1) === last.intent.state ? `${facts} **→**` : `${facts}, is ${code(last.intent.state)}`
}
