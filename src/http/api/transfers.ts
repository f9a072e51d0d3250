import { Router } from 'express'
import { z } from 'zod'
import { registerTransfer } from '../../domain/decide-transfer.ts'
import { AppError, type ErrorCode, type FieldError } from '../../domain/errors.ts'
import { describeBeneficiary, digestName } from '../../domain/person.ts'
import { waitingSince } from '../../domain/submission.ts'
import type { Beneficiary, Transfer, TransferSecrets } from '../../domain/transfer.ts'
import { presentTransfer, transferSchema } from '../../events/transfer-resource.ts'
import type { Batches } from '../../store/batches.ts'
import { memberIdOf, readBatchId, readTransferId, transferIdOf } from '../../store/ids.ts'
import type { IntentStore, Target } from '../../store/intents.ts'
import type { Register } from '../../store/register.ts'
import type { Vault } from '../../store/vault.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { type AccountTerms, invalidRequest } from './account-terms.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { locationHeader, type Operation, pageOf } from './operation.ts'
import { createStart } from './start.ts'
import {
  canonicalContent,
  readTransferRequest,
  type TransferRequest,
  transferRequestSchema,
} from './transfer-request.ts'
import { validate } from './validate.ts'

/** What registering anything takes. */
export interface RegistrationDeps {
  authenticate(token: string): Principal | null
  intents: Pick<IntentStore, 'find' | 'load' | 'commit'>
  register: Register
  vault: Pick<Vault, 'sealSecrets' | 'openSecrets'>
  /** Each account that there is. */
  accounts: ReadonlyMap<string, AccountTerms>
  digestPerson(text: string): string
  digestContent(text: string): string
  /** Why nothing new can be kept right now; undefined when it can. What room is left belongs to the workers. */
  unavailable(): ErrorCode | undefined
  /** Callbacks that came before what they are about go on from here. */
  pumpReady(): Promise<unknown>
  clock: () => number
  logger: Logger
}

export type { AccountTerms } from './account-terms.ts'

export const byReferenceSchema = z.strictObject({
  account: z.string({ error: 'It is required.' }).min(1),
  reference: z.string({ error: 'It is required.' }).min(1),
})

export interface TransferRoutesDeps extends RegistrationDeps {
  /** For one that joins a batch. */
  batches: Pick<Batches, 'join'>
}

interface Registered {
  transfer: Transfer
  created: boolean
}

export function createTransferRoutes(deps: TransferRoutesDeps): Router {
  const { intents, vault, logger } = deps
  const start = createStart(deps)
  const router = Router()
  const mayRead = requireScope(deps.authenticate, 'transfers:read')
  const mayWrite = requireScope(deps.authenticate, 'transfers:write')

  router.post('/transfers', mayWrite, async (req, res) => {
    const request = readTransferRequest(req.body, deps.accounts)
    const unavailable = deps.unavailable()
    if (unavailable) throw new AppError(unavailable)
    const { transfer, created } = await register(request, String(res.locals.principal))
    res
      .status(created ? 201 : 200)
      .location(`/v1/transfers/${transfer.id}`)
      .json(await present(transfer))
  })

  router.get('/transfers/:id', mayRead, async (req, res) => {
    const id = readTransferId(String(req.params.id))
    const transfer = id && (await find(id))
    if (!transfer) throw new AppError('not-found', { detail: 'There is no transfer with this id.' })
    res.json(await present(transfer))
  })

  router.get('/transfers', mayRead, async (req, res) => {
    const { account, reference } = validate(byReferenceSchema, req.query)
    const transfer = await find(transferIdOf(account, reference))
    res.json({ items: transfer ? [await present(transfer)] : [], next: null })
  })

  router.all('/transfers', allowOnly('GET', 'HEAD', 'POST'))
  router.all('/transfers/:id', allowOnly('GET', 'HEAD'))

  async function find(id: Target): Promise<Transfer | undefined> {
    const found = await intents.find(id)
    return found?.kind === 'transfer' ? found : undefined
  }

  async function present(transfer: Transfer) {
    return presentTransfer(transfer, await vault.openSecrets<TransferSecrets>(transfer))
  }

  async function register(request: TransferRequest, by: string): Promise<Registered> {
    const registered = await registerOnce(request)
    const { transfer } = registered
    if (!request.submit || transfer.submission) return registered
    // It was there before, and nobody had asked for this.
    const because = { source: 'registration', by } as const
    const started = await start<Transfer>(transfer.id, { force: request.force ?? false, because })
    return { ...registered, transfer: started?.intent ?? transfer }
  }

  async function registerOnce(request: TransferRequest): Promise<Registered> {
    const step = await describe(request)
    const { fact, intent } = step
    const because = { source: 'registration' } as const
    const event = { fact, intent, because, at: intent.createdAt }
    const result = await (intent.batch === undefined ? deps.register(event) : deps.batches.join(event))
    if (result.outcome === 'claimed') throw new AppError('commit-contended')
    if (result.outcome === 'no-batch') throw invalidRequest([unknownBatch])
    if (result.outcome === 'not-open') throw batchNotOpen()
    const { intent: transfer } = result
    if (result.outcome === 'exists') {
      if (transfer.contentDigest === intent.contentDigest) return { transfer, created: false }
      throw new AppError('reference-conflict', {
        detail: 'This reference is registered for the account with other content. Nothing was changed.',
      })
    }
    const { id, account } = transfer
    logger.info('transfer.registered', { transferId: id, account, madeReady: result.madeReady })
    // The workers look for what is ready by themselves; a failure here only makes it wait for them.
    if (result.madeReady > 0)
      await deps.pumpReady().catch((error) => logger.warn('ready.not-pumped', { error }))
    return { transfer, created: true }
  }

  async function describe(request: TransferRequest) {
    const { account, reference, amount, beneficiary, providerReference, metadata, remark } = request
    const batch = request.batch === undefined ? undefined : readBatchId(request.batch)
    if (request.batch !== undefined && !batch) throw invalidRequest([unknownBatch])
    const id = batch ? memberIdOf(batch, reference) : transferIdOf(account, reference)
    const secrets: TransferSecrets = {
      beneficiary,
      ...(remark !== undefined && { remark }),
      ...(metadata && { metadata }),
    }
    const now = deps.clock()
    const person = deps.digestPerson(describeBeneficiary(beneficiary))
    return registerTransfer(
      {
        id,
        account,
        reference,
        amount,
        payee: describePayee(beneficiary, deps.digestPerson),
        personal: await vault.sealSecrets(id, person, secrets),
        ...(providerReference !== undefined && { providerReference }),
        ...(batch && { batch }),
        ...(request.submit && { submission: waitingSince(now, request.force ?? false) }),
        contentDigest: deps.digestContent(canonicalContent(request)),
      },
      now,
    )
  }

  return router
}

export function describePayee(
  { kind, name }: Beneficiary,
  digestPerson: (text: string) => string,
): Transfer['payee'] {
  return { kind, ...(name !== undefined && { nameDigest: digestName(name, digestPerson) }) }
}

const unknownBatch: FieldError = {
  path: 'batch',
  code: 'unknown-batch',
  message: 'There is no batch with this id.',
}

function batchNotOpen(): AppError {
  return new AppError('batch-not-open', {
    detail:
      'A transfer joins a batch of its own account that is not finished, not full, and no batch at the provider. Nothing was changed.',
  })
}

export const transferOperations: readonly Operation[] = [
  {
    id: 'registerTransfer',
    method: 'post',
    path: '/v1/transfers',
    tag: 'transfers',
    summary: 'Register a transfer',
    description:
      'Idempotent on account and reference: the same content again answers 200 with the resource, other content 409. With `submit` it is also sent to its provider, once. What the account’s provider refuses is refused here.',
    scope: 'transfers:write',
    body: transferRequestSchema,
    example: {
      account: 'zeno-main',
      reference: 'payout-20260512-0001',
      amount: { value: '25000.00', currency: 'IDR' },
      beneficiary: { bankCode: '014', accountNumber: '1234567890', name: 'Budi Santoso' },
      submit: true,
    },
    answers: {
      200: {
        description: 'It was registered before with this content',
        schema: transferSchema,
        headers: locationHeader,
      },
      201: { description: 'Registered', schema: transferSchema, headers: locationHeader },
    },
    problems: ['reference-conflict', 'batch-not-open', 'cannot-submit', 'commit-contended'],
  },
  {
    id: 'getTransfer',
    method: 'get',
    path: '/v1/transfers/{id}',
    tag: 'transfers',
    summary: 'A transfer',
    scope: 'transfers:read',
    answers: { 200: { description: 'The transfer', schema: transferSchema } },
    problems: ['not-found'],
  },
  {
    id: 'findTransfer',
    method: 'get',
    path: '/v1/transfers',
    tag: 'transfers',
    summary: 'A transfer by its reference',
    scope: 'transfers:read',
    query: byReferenceSchema,
    answers: { 200: { description: 'It alone, or none', schema: pageOf(transferSchema) } },
  },
]
