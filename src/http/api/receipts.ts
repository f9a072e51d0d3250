/**
 * Callbacks as an operator sees them: those that were refused, and any one by its id. What a callback says is never
 * shown, open or sealed; of the headers only those that its verification read.
 */
import { type Response, Router } from 'express'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { type ReceiptId, readReceiptId } from '../../domain/ids.ts'
import type { Receipt } from '../../domain/receipt.ts'
import { formatTime } from '../../domain/time.ts'
import { sealedBytes } from '../../seal/keyring.ts'
import type { Quarantine, QuarantineEntry } from '../../store/quarantine.ts'
import type { FoundReceipt, ReceiptFinder } from '../../store/receipts.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'
import {
  type QuarantineEntryResource,
  quarantineEntrySchema,
  type ReceiptResource,
  type ReverificationResource,
  receiptSchema,
  reverificationSchema,
} from './receipt-schemas.ts'
import type { Reverify } from './reverify.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

/** Where a receipt may be. */
export interface FindDeps {
  /** Of every account that is configured. */
  accounts: readonly string[]
  quarantine: Quarantine
  receipts: ReceiptFinder
  /** One that waits, or has failed, as a job of its own. */
  findQueued(id: ReceiptId): Promise<Receipt | undefined>
}

export interface ReceiptRoutesDeps extends FindDeps {
  authenticate(token: string): Principal | null
  reverify: Reverify
  logger: Logger
}

export type Found =
  | FoundReceipt
  | { where: 'queue'; receipt: Receipt }
  | { where: 'quarantine'; entry: QuarantineEntry }

const listSchema = z.strictObject({
  account: z.string().min(1).optional(),
  after: z
    .string()
    .refine((text) => readReceiptId(text) !== undefined, 'It is not `next` of an earlier answer.')
    .optional(),
  limit: wholeNumber(1, 1000).optional(),
})

export function createReceiptRoutes(deps: ReceiptRoutesDeps): Router {
  const { accounts, quarantine, logger } = deps
  const router = Router()
  const mayLook = requireScope(deps.authenticate, 'ops:read')
  const mayAct = requireScope(deps.authenticate, 'ops:act')

  router.get('/quarantine', mayLook, async (req, res) => {
    const { account, after, limit } = validate(listSchema, req.query)
    const asked = account === undefined ? accounts : [account]
    const page = await quarantine.list({ accounts: asked, after, limit: limitOf(limit) })
    res.json({ items: page.entries.map(presentEntry), next: page.next })
  })

  router.get('/receipts/:id', mayLook, async (req, res) => {
    res.json(presentFound(await findReceipt(deps, String(req.params.id))))
  })

  router.post('/receipts/:id/reverify', mayAct, async (req, res) => {
    const found = await findReceipt(deps, String(req.params.id))
    const answer =
      found.where === 'quarantine'
        ? await deps.reverify.quarantined(found.entry)
        : await deps.reverify.received(found.receipt)
    const { id, account } = found.where === 'quarantine' ? found.entry : found.receipt
    logger.info('receipt.reverified', { receiptId: id, account, ...answer, principal: principalOf(res) })
    res.json({ id, ...answer } satisfies ReverificationResource)
  })

  router.all('/quarantine', allowOnly('GET', 'HEAD'))
  router.all('/receipts/:id', allowOnly('GET', 'HEAD'))
  router.all('/receipts/:id/reverify', allowOnly('POST'))

  return router
}

export async function findReceipt(deps: FindDeps, text: string): Promise<Found> {
  const id = readReceiptId(text)
  const found = id && (await findAnywhere(deps, id))
  if (!found) throw new AppError('not-found', { detail: 'There is no receipt with this id.' })
  return found
}

/** The store first: an accepted one is there before or after it has left the quarantine. */
async function findAnywhere(deps: FindDeps, id: ReceiptId): Promise<Found | undefined> {
  const kept = await deps.receipts.find(id)
  if (kept) return kept
  const entry = await deps.quarantine.find(id, deps.accounts)
  if (entry) return { where: 'quarantine', entry }
  const queued = await deps.findQueued(id)
  return queued && { where: 'queue', receipt: queued }
}

export function presentFound(found: Found): ReceiptResource | QuarantineEntryResource {
  if (found.where === 'quarantine') return presentEntry(found.entry)
  const { id, account, receivedAt, keyId, digest, headers, body, unverified } = found.receipt
  const settled = found.where === 'store' && {
    outcome: found.receipt.outcome,
    intent: found.receipt.intent,
    decidedOn: found.receipt.decidedOn,
    decidedAt: formatTime(found.receipt.decidedAt),
  }
  return {
    id,
    where: found.where,
    account,
    receivedAt: formatTime(receivedAt),
    keyId,
    unverified,
    digest,
    bytes: sealedBytes(body),
    headers,
    ...settled,
  }
}

export function presentEntry({
  id,
  account,
  reason,
  source,
  receivedAt,
  digest,
  bytes,
  sealed,
}: QuarantineEntry): QuarantineEntryResource {
  return {
    id,
    where: 'quarantine',
    account,
    receivedAt: formatTime(receivedAt),
    reason,
    source,
    digest,
    bytes,
    kept: sealed !== undefined,
  }
}

function principalOf(res: Response): unknown {
  return res.locals.principal
}

export const receiptOperations: readonly Operation[] = [
  {
    id: 'listQuarantine',
    method: 'get',
    path: '/v1/quarantine',
    tag: 'receipts',
    summary: 'Callbacks that were refused',
    scope: 'ops:read',
    query: listSchema,
    answers: {
      200: { description: 'One page of them, newest first', schema: pageOf(quarantineEntrySchema) },
    },
  },
  {
    id: 'getReceipt',
    method: 'get',
    path: '/v1/receipts/{id}',
    tag: 'receipts',
    summary: 'A callback',
    description: 'Wherever it is: queued, recorded, or refused. What it says is never shown.',
    scope: 'ops:read',
    answers: {
      200: { description: 'The callback', schema: z.union([receiptSchema, quarantineEntrySchema]) },
    },
    problems: ['not-found'],
  },
  {
    id: 'reverifyReceipt',
    method: 'post',
    path: '/v1/receipts/{id}/reverify',
    tag: 'receipts',
    summary: 'Verify a callback again',
    description:
      'As of the moment at which it came, with the keys of now. One that was refused and proves genuine is accepted.',
    scope: 'ops:act',
    answers: { 200: { description: 'What came of it', schema: reverificationSchema } },
    problems: ['not-found', 'cannot-reverify', 'keys-not-loaded'],
  },
]
