import { Router } from 'express'
import { z } from 'zod'
import type { Batch } from '../../domain/batch.ts'
import { AppError } from '../../domain/errors.ts'
import type { BatchId } from '../../domain/ids.ts'
import { type TransferSecrets, transferStates } from '../../domain/transfer.ts'
import { type BatchResource, batchSchema, presentBatch } from '../../events/batch-resource.ts'
import { presentTransfer, transferSchema } from '../../events/transfer-resource.ts'
import type { Batches } from '../../store/batches.ts'
import type { TakenReference } from '../../store/claims.ts'
import { batchIdOf, readBatchId } from '../../store/ids.ts'
import type { IntentStore } from '../../store/intents.ts'
import type { Members } from '../../store/members.ts'
import type { Vault } from '../../store/vault.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { describeBatch } from './batch-content.ts'
import { type BatchContent, batchRequestSchema, readBatchRequest } from './batch-request.ts'
import { locationHeader, type Operation, pageOf } from './operation.ts'
import { createStart } from './start.ts'
import type { RegistrationDeps } from './transfers.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

export interface BatchRoutesDeps extends Omit<RegistrationDeps, 'intents' | 'register' | 'vault'> {
  intents: Pick<IntentStore, 'load' | 'commit'>
  batches: Pick<Batches, 'register'>
  members: Pick<Members, 'list'>
  vault: Pick<Vault, 'sealAllSecrets' | 'openAllSecrets'>
}

interface Registered {
  batch: Batch
  created: boolean
}

const findSchema = z.strictObject({
  account: z.string({ error: 'It is required.' }).min(1),
  reference: z.string({ error: 'It is required.' }).min(1),
})

const listSchema = z.strictObject({
  after: wholeNumber(0, 999_999).optional(),
  limit: wholeNumber(1, 1000).optional(),
  state: z.enum(transferStates).optional(),
})

export function createBatchRoutes(deps: BatchRoutesDeps): Router {
  const { intents, batches, members, vault, logger } = deps
  const start = createStart(deps)
  const router = Router()
  const mayRead = requireScope(deps.authenticate, 'transfers:read')
  const mayWrite = requireScope(deps.authenticate, 'transfers:write')

  router.post('/batches', mayWrite, async (req, res) => {
    const content = readBatchRequest(req.body, deps.accounts)
    const unavailable = deps.unavailable()
    if (unavailable) throw new AppError(unavailable)
    const { batch, created } = await register(content, String(res.locals.principal))
    res
      .status(created ? 201 : 200)
      .location(`/v1/batches/${batch.id}`)
      .json((await find(batch.id)) ?? presentBatch(batch))
  })

  router.get('/batches', mayRead, async (req, res) => {
    const { account, reference } = validate(findSchema, req.query)
    const batch = await find(batchIdOf(account, reference))
    res.json({ items: batch ? [batch] : [], next: null })
  })

  router.get('/batches/:id', mayRead, async (req, res) => {
    res.json(await get(String(req.params.id)))
  })

  router.get('/batches/:id/transfers', mayRead, async (req, res) => {
    const { after, limit, state } = validate(listSchema, req.query)
    const { id } = await get(String(req.params.id))
    const page = await members.list(id as BatchId, { after, state, limit: limitOf(limit) })
    const secrets = await vault.openAllSecrets(page.transfers)
    res.json({
      items: page.transfers.map((one, i) => presentTransfer(one, secrets[i] as TransferSecrets | undefined)),
      next: page.next === null ? null : String(page.next),
    })
  })

  router.all('/batches', allowOnly('GET', 'HEAD', 'POST'))
  router.all('/batches/:id', allowOnly('GET', 'HEAD'))
  router.all('/batches/:id/transfers', allowOnly('GET', 'HEAD'))

  async function find(id: BatchId): Promise<BatchResource | undefined> {
    const [found] = await intents.load([id])
    if (found?.outcome === 'unreadable') throw found.error
    if (found?.outcome !== 'found' || found.intent.kind !== 'batch') return undefined
    return presentBatch(found.intent, found.totals?.totals)
  }

  async function get(text: string): Promise<BatchResource> {
    const id = readBatchId(text)
    const batch = id && (await find(id))
    if (!batch) throw new AppError('not-found', { detail: 'There is no batch with this id.' })
    return batch
  }

  async function register(content: BatchContent, by: string): Promise<Registered> {
    const registered = await registerOnce(content)
    const { batch } = registered
    // It was there before, or begun by a request that did not ask for this.
    if (content.submit && !batch.submission)
      await start<Batch>(batch.id, { force: false, because: { source: 'registration', by } })
    return registered
  }

  async function registerOnce(content: BatchContent): Promise<Registered> {
    const { request, build } = describeBatch(content, deps)
    const result = await batches.register({ ...request, build })
    switch (result.outcome) {
      case 'differs':
        throw new AppError('reference-conflict', {
          detail: 'This reference is registered for the account with other content. Nothing was changed.',
        })
      case 'references-taken':
        throw referencesTaken(result.taken)
      case 'exists':
        return { batch: result.batch, created: false }
      case 'registered': {
        const { id, account, count } = result.batch
        logger.info('batch.registered', { batchId: id, account, count, madeReady: result.madeReady })
        // The workers look for what is ready by themselves; a failure here only makes it wait for them.
        if (result.madeReady > 0)
          await deps.pumpReady().catch((error) => logger.warn('ready.not-pumped', { error }))
        return { batch: result.batch, created: true }
      }
    }
  }

  return router
}

const takenMessages: Record<TakenReference['by'], string> = {
  intent: 'This reference is registered for the account already.',
  registration: 'Another batch that is being registered at this moment has this reference.',
}

function referencesTaken(taken: readonly TakenReference[]): AppError {
  return new AppError('reference-conflict', {
    detail: 'References of transfers are taken; `errors` says which. Nothing was registered.',
    errors: taken.map(({ position, by }) => ({
      path: `transfers[${position}].reference`,
      code: 'reference-conflict',
      message: takenMessages[by],
    })),
  })
}

export const batchOperations: readonly Operation[] = [
  {
    id: 'registerBatch',
    method: 'post',
    path: '/v1/batches',
    tag: 'batches',
    summary: 'Register a batch with its transfers',
    description:
      'All of it or nothing. Idempotent on account and reference. `wechatpay` makes it a partner batch of WeChat Pay; what that provider takes decides which fields are needed. With `submit` it is sent.',
    scope: 'transfers:write',
    body: batchRequestSchema,
    example: {
      account: 'zeno-main',
      reference: 'payouts-20260512',
      name: 'Payouts of 12 May',
      remark: 'Daily payouts',
      total: { count: 1, amount: { value: '25000.00', currency: 'IDR' } },
      transfers: [
        {
          reference: 'payout-20260512-0001',
          amount: { value: '25000.00', currency: 'IDR' },
          beneficiary: { bankCode: '014', accountNumber: '1234567890', name: 'Budi Santoso' },
        },
      ],
      submit: true,
    },
    answers: {
      200: {
        description: 'It was registered before with this content',
        schema: batchSchema,
        headers: locationHeader,
      },
      201: { description: 'Registered', schema: batchSchema, headers: locationHeader },
    },
    problems: ['reference-conflict', 'cannot-submit', 'commit-contended'],
  },
  {
    id: 'findBatch',
    method: 'get',
    path: '/v1/batches',
    tag: 'batches',
    summary: 'A batch by its reference',
    scope: 'transfers:read',
    query: findSchema,
    answers: { 200: { description: 'It alone, or none', schema: pageOf(batchSchema) } },
  },
  {
    id: 'getBatch',
    method: 'get',
    path: '/v1/batches/{id}',
    tag: 'batches',
    summary: 'A batch',
    scope: 'transfers:read',
    answers: { 200: { description: 'The batch', schema: batchSchema } },
    problems: ['not-found'],
  },
  {
    id: 'listBatchTransfers',
    method: 'get',
    path: '/v1/batches/{id}/transfers',
    tag: 'batches',
    summary: 'The transfers of a batch',
    description: 'In the order of the registration.',
    scope: 'transfers:read',
    query: listSchema,
    answers: { 200: { description: 'One page of them', schema: pageOf(transferSchema) } },
    problems: ['not-found'],
  },
]
