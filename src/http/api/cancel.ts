/** Calls a transfer off while its money is still ours. Once it was sent only the provider can say what becomes of it. */
import { Router } from 'express'
import { z } from 'zod'
import { cancelTransfer } from '../../domain/decide-transfer.ts'
import { AppError } from '../../domain/errors.ts'
import type { TransferId } from '../../domain/ids.ts'
import type { Transfer, TransferSecrets } from '../../domain/transfer.ts'
import { presentTransfer, transferSchema } from '../../events/transfer-resource.ts'
import { readTransferId } from '../../store/ids.ts'
import type { IntentStore } from '../../store/intents.ts'
import type { Vault } from '../../store/vault.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { caseReasonSchema } from './cases.ts'
import type { Operation } from './operation.ts'
import { validate } from './validate.ts'

export interface CancelRoutesDeps {
  authenticate(token: string): Principal | null
  intents: Pick<IntentStore, 'find' | 'commit'>
  vault: Pick<Vault, 'openSecrets'>
  clock: () => number
  logger: Logger
}

const cancelSchema = z.strictObject({ reason: caseReasonSchema.optional() })

/** Losing the race this often to others who change the same transfer means that something is wrong. */
const attemptsMax = 16

export function createCancelRoutes({
  authenticate,
  intents,
  vault,
  clock,
  logger,
}: CancelRoutesDeps): Router {
  const router = Router()

  router.post('/transfers/:id/cancel', requireScope(authenticate, 'transfers:write'), async (req, res) => {
    const { reason } = validate(cancelSchema, req.body ?? {})
    const id = readTransferId(String(req.params.id))
    if (!id) throw noSuchTransfer()
    const transfer = await cancel(id, String(res.locals.principal), reason)
    res.json(presentTransfer(transfer, await vault.openSecrets<TransferSecrets>(transfer)))
  })
  router.all('/transfers/:id/cancel', allowOnly('POST'))

  /** The same asked again is the same answer. */
  async function cancel(id: TransferId, by: string, reason: string | undefined): Promise<Transfer> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const before = await intents.find(id)
      if (before?.kind !== 'transfer') throw noSuchTransfer()
      if (before.state === 'cancelled' && !before.hold) return before
      const at = clock()
      const step = cancelTransfer(before, at)
      if (!step) throw new AppError('cannot-cancel', { detail: describeObstacle(before) })
      const because = { source: 'operator', by, ...(reason !== undefined && { reason }) } as const
      const commit = await intents.commit({ before, steps: [step], because, at })
      if (commit.outcome !== 'committed') continue
      logger.info('transfer.cancelled', { transferId: id, account: before.account, principal: by })
      return step.intent
    }
    throw new AppError('commit-contended')
  }

  return router
}

function describeObstacle({ state, hold }: Transfer): string {
  if (hold) return `It is held, and ${hold.case} has to be resolved first.`
  return `It is ${state}; only what was not sent yet can be cancelled.`
}

function noSuchTransfer(): AppError {
  return new AppError('not-found', { detail: 'There is no transfer with this id.' })
}

export const cancelOperations: readonly Operation[] = [
  {
    id: 'cancelTransfer',
    method: 'post',
    path: '/v1/transfers/{id}/cancel',
    tag: 'transfers',
    summary: 'Cancel a transfer that was not sent',
    description:
      'Asked again it answers the same. Once it was sent only the provider can say what becomes of it.',
    scope: 'transfers:write',
    body: cancelSchema,
    bodyOptional: true,
    example: { reason: 'The customer changed their mind.' },
    answers: { 200: { description: 'The transfer, cancelled', schema: transferSchema } },
    problems: ['not-found', 'cannot-cancel', 'commit-contended'],
  },
]
