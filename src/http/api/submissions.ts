/** Sends what was registered before, and has a provider asked about it now rather than when its turn comes. */
import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import type { BatchTotals } from '../../domain/batch.ts'
import { AppError, type FieldError } from '../../domain/errors.ts'
import type { Sendable } from '../../domain/submission.ts'
import { batchSchema } from '../../events/batch-resource.ts'
import { couponSchema } from '../../events/coupon-resource.ts'
import { presentIntent } from '../../events/resource.ts'
import { transferSchema } from '../../events/transfer-resource.ts'
import { readBatchId, readCouponId, readTransferId } from '../../store/ids.ts'
import type { IntentStore } from '../../store/intents.ts'
import type { Vault } from '../../store/vault.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { type AccountTerms, invalidRequest } from './account-terms.ts'
import { allowOnly } from './allow.ts'
import { createAsk } from './ask.ts'
import { requireScope } from './authorize.ts'
import type { Operation } from './operation.ts'
import { findAskFault, findSendFault } from './sending-terms.ts'
import { createStart, readSendable, refuseIfOver } from './start.ts'
import { validate } from './validate.ts'

export interface SubmissionRoutesDeps {
  authenticate(token: string): Principal | null
  intents: Pick<IntentStore, 'load' | 'commit'>
  vault: Pick<Vault, 'openSecrets'>
  accounts: ReadonlyMap<string, Pick<AccountTerms, 'client'>>
  clock: () => number
  logger: Logger
}

const kinds = [
  { noun: 'transfer', path: '/transfers/:id', readId: readTransferId },
  { noun: 'batch', path: '/batches/:id', readId: readBatchId },
  { noun: 'coupon', path: '/coupons/:id', readId: readCouponId },
] as const
type Kind = (typeof kinds)[number]

const emptySchema = z.strictObject({})
/** A batch or a coupon has no name that a bank could have another one for. */
const submitSchemas: Record<Kind['noun'], z.ZodType<{ force?: boolean | undefined }>> = {
  transfer: z.strictObject({ force: z.boolean().optional() }),
  batch: emptySchema,
  coupon: emptySchema,
}

export function createSubmissionRoutes(deps: SubmissionRoutesDeps): Router {
  const { intents, vault } = deps
  const start = createStart(deps)
  const ask = createAsk(deps)
  const router = Router()
  const mayWrite = requireScope(deps.authenticate, 'transfers:write')

  for (const kind of kinds) {
    router.post(`${kind.path}/submit`, mayWrite, async (req, res) => {
      const { force = false } = validate(submitSchemas[kind.noun], req.body ?? {})
      const { intent } = await find(kind, req)
      refuse(findSendFault(termsOf(intent), kind.noun))
      const because = { source: 'operator', by: String(res.locals.principal) } as const
      const started = await start(intent.id, { force, because })
      if (!started) throw noSuch(kind)
      if (!started.begun) refuseIfOver(started.intent)
      await answer(res, started.begun ? 202 : 200, started.intent, started.totals)
    })
    router.post(`${kind.path}/query`, mayWrite, async (req, res) => {
      validate(emptySchema, req.body ?? {})
      const { intent, totals } = await find(kind, req)
      refuse(findAskFault(termsOf(intent), intent))
      await ask(intent.id, String(res.locals.principal))
      await answer(res, 202, intent, totals?.totals)
    })
    router.all([`${kind.path}/submit`, `${kind.path}/query`], allowOnly('POST'))
  }

  async function find(kind: Kind, req: Request) {
    const id = kind.readId(String(req.params.id))
    const found = id && readSendable((await intents.load([id]))[0])
    if (!found) throw noSuch(kind)
    return found
  }

  function termsOf({ account }: Sendable): Pick<AccountTerms, 'client'> {
    return deps.accounts.get(account) ?? {}
  }

  async function answer(res: Response, status: number, intent: Sendable, totals: BatchTotals | undefined) {
    const secrets = intent.kind === 'batch' ? {} : await vault.openSecrets(intent)
    res.status(status).json(presentIntent(intent, secrets, totals))
  }

  return router
}

function refuse(fault: FieldError | undefined): void {
  if (fault) throw invalidRequest([fault])
}

function noSuch({ noun }: Kind): AppError {
  return new AppError('not-found', { detail: `There is no ${noun} with this id.` })
}

const shown = {
  transfer: { tag: 'transfers', schema: transferSchema, name: 'Transfer' },
  batch: { tag: 'batches', schema: batchSchema, name: 'Batch' },
  coupon: { tag: 'coupons', schema: couponSchema, name: 'Coupon' },
} as const satisfies Record<Kind['noun'], { tag: string; schema: z.ZodType; name: string }>

export const submissionOperations: readonly Operation[] = kinds.flatMap(({ noun, path }): Operation[] => {
  const { tag, schema, name } = shown[noun]
  const base = {
    method: 'post',
    tag,
    scope: 'transfers:write',
    bodyOptional: true,
    problems: ['not-found', 'commit-contended'],
  } as const
  const at = `/v1${path.replace(':id', '{id}')}`
  return [
    {
      ...base,
      id: `submit${name}`,
      path: `${at}/submit`,
      summary: `Send a ${noun} that was registered before`,
      body: submitSchemas[noun],
      answers: {
        200: { description: 'That was asked for before', schema },
        202: { description: 'It will be sent', schema },
      },
      problems: [...base.problems, 'cannot-submit'],
    },
    {
      ...base,
      id: `query${name}`,
      path: `${at}/query`,
      summary: `Ask the provider about a ${noun} now`,
      body: emptySchema,
      answers: { 202: { description: 'It will be asked about; as it stands now', schema } },
      problems: [...base.problems, 'cannot-query'],
    },
  ]
})
