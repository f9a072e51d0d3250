/** What a person can decide of what is held. */
import { decide } from '../../../src/domain/decide.ts'
import type { Intent } from '../../../src/domain/intent.ts'
import { type Observation, resolutionActions } from '../../../src/domain/observation.ts'
import { findObstacle, resolveHold } from '../../../src/domain/resolve.ts'
import {
  collection,
  coupon,
  now,
  outcomeOf,
  rupiah,
  seenCollection,
  seenTransfer,
  seenUse,
  transfer,
} from '../../support/intents.ts'
import { describeSteps } from './describe.ts'
import { code, table } from './markdown.ts'

export function resolution(): string[] {
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
