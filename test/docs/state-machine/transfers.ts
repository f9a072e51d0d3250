/** Transfers: what moves them, and in which order. */
import { cancelTransfer, decideTransfer } from '../../../src/domain/decide-transfer.ts'
import { observedStatuses } from '../../../src/domain/observation.ts'
import { finalTransferStates, type Transfer, transferStates } from '../../../src/domain/transfer.ts'
import { now, outcomeOf, seenTransfer, transfer } from '../../support/intents.ts'
import { describe } from './describe.ts'
import { code, diagram, type Edge, table } from './markdown.ts'

const known = (state: Transfer['state']) => transfer({ state, providerReference: 'inquiry-1' })

export function transfers(): string[] {
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
them and never into them. See [sending](#sending).`,
    table(
      ['', ...observedStatuses.map(code)],
      transferStates.map((state) => [
        code(state),
        ...observedStatuses.map((status) =>
          describe(decideTransfer(known(state), seenTransfer({ status }), now)),
        ),
      ]),
    ),
    `Held for the reason \`final-state-contradicted\`. \`cancel\` (\`POST /v1/transfers/{id}/cancel\`) is taken where it is drawn, and of what is
\`submitted\` where the call was certainly not made ([sending](#sending)). A repeat that tells a number, a fee or a reason first is
\`reported\` and moves nothing; what is known of these stays, and a reason takes the place of none or of a vague one alone.`,
    `Where the provider, when it is asked, says \`returned\` of what nobody called a success, it arrived before that:
${missedReturn()}, in one step. A callback that says so is held, since the success may still be on its way.`,
    '### Order',
    'By what the provider says of when it was so. Where either says nothing of that, the order is that of arrival.',
    order(),
  ]
}

function missedReturn(): string {
  const asked = seenTransfer({ status: 'returned', source: 'query' })
  return describe(decideTransfer(transfer({ state: 'submitted' }), asked, now))
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
            transfer({ providerReference: 'inquiry-1', ...fields, asOf: now }),
            seenTransfer({ ...said, occurredAt: now + later }),
            now,
          ),
        ),
      ),
    ]),
  )
}
