/** A person who looks at what is held, and decides; what they may not decide they are told, and nothing happens. */
import { AppError } from '../../src/domain/errors.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createCaseReceipts } from '../../src/workers/case-receipts.ts'
import { createObserve, type ObserveDeps } from '../../src/workers/observe.ts'
import { createResolveCase } from '../../src/workers/resolve-case.ts'
import type { Operation } from './plan.ts'
import type { Parts } from './stage.ts'

export interface OperatorDeps {
  observing: ObserveDeps
  pump(parts: Parts): Promise<void>
  clock: () => number
}

type Resolve = Pick<Extract<Operation, { do: 'resolve' }>, 'of' | 'action' | 'receipt'>

const refusals: readonly string[] = ['cannot-resolve', 'case-resolved']

export function createOperator({ observing, pump, clock }: OperatorDeps) {
  const observe = createObserve(observing)

  return async (parts: Parts, { of, action, receipt }: Resolve, held: readonly Intent[]): Promise<void> => {
    const known = held[of % Math.max(1, held.length)]?.hold
    if (!known) return
    const one = await parts.cases.find(known.case)
    const receipts = one?.kind === 'held' ? one.receipts : []
    const taken = receipts[receipt % Math.max(1, receipts.length)]
    // There is nothing to be taken.
    if (action === 'take-theirs' && taken === undefined) return
    const resolveCase = createResolveCase({
      ...parts,
      receipts: createCaseReceipts({
        intents: parts.intents,
        openBody: parts.openBody,
        observe,
        sealer: observing.sealer,
      }),
      pumpReady: () => pump(parts),
      clock,
      logger: silentLogger,
    })
    const request = { id: known.case, by: 'ops', reason: 'looked', action }
    await resolveCase({ ...request, ...(action === 'take-theirs' && { receipt: taken }) }).catch(
      (error: unknown) => {
        if (!(error instanceof AppError && refusals.includes(error.code))) throw error
      },
    )
  }
}
