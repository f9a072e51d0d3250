/** What is held, and what is a repeat. */
import { openHeldCase } from '../../../src/domain/case.ts'
import { decide } from '../../../src/domain/decide.ts'
import { decideTransfer } from '../../../src/domain/decide-transfer.ts'
import { caseIdOfHold, type ReceiptId } from '../../../src/domain/ids.ts'
import { type HoldReason, holdReasons, type Intent } from '../../../src/domain/intent.ts'
import { type Observation, observedStatuses } from '../../../src/domain/observation.ts'
import { classifyRepeat, type Heard } from '../../../src/domain/repeats.ts'
import {
  collection,
  coupon,
  now,
  rupiah,
  seenCollection,
  seenSubmission,
  seenTransfer,
  seenUse,
  transfer,
} from '../../support/intents.ts'
import { type Decided, describe } from './describe.ts'
import { code, table } from './markdown.ts'

const reserving = transfer({ state: 'submitted', submission: { step: 'reserving', at: now } })

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
  'beneficiary-name-differs': [
    reserving,
    seenSubmission({ payee: { kind: 'bank', nameDigest: 'somebody else' } }),
  ],
  'beneficiary-name-missing': [reserving, seenSubmission({ payee: { kind: 'bank' } })],
  'refused-by-provider': [reserving, seenSubmission({ status: 'refused', remedy: 'operator' })],
}

export function holds(): string[] {
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

export function repeats(): string[] {
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
