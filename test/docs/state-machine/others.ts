/** Batches, coupons and pay-ins. */
import { type Batch, batchStates } from '../../../src/domain/batch.ts'
import { type Coupon, couponStates } from '../../../src/domain/coupon.ts'
import { decide } from '../../../src/domain/decide.ts'
import { decideBatch, settleBatch } from '../../../src/domain/decide-batch.ts'
import { decideCoupon } from '../../../src/domain/decide-coupon.ts'
import { type Observation, observedBatchStatuses } from '../../../src/domain/observation.ts'
import {
  batch,
  collection,
  coupon,
  now,
  rupiah,
  seenBatch,
  seenCollection,
  seenGrant,
  seenUse,
  totals,
} from '../../support/intents.ts'
import { describe, describeSteps } from './describe.ts'
import { code, table } from './markdown.ts'

export function batches(): string[] {
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
    ['the first has moved, other than to be cancelled', batch(), open],
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

export function rest(): string[] {
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
  const { fee: _, net: __, ...bare } = collection()
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
      [
        ...payins.map(([what, fields]) => [
          what,
          describe(decide(collection(), seenCollection(fields), now)),
        ]),
        ['a fee or net that was not known', describe(decide(bare, seenCollection(), now))],
      ],
    ),
  ]
}
