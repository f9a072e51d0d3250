/**
 * Transfers by account number. It is a POST, so that the number stands in no URL, no log of a proxy and no browser's
 * history; nothing is changed by it.
 */
import { Router } from 'express'
import { z } from 'zod'
import type { TransferId } from '../../domain/ids.ts'
import type { TransferSecrets } from '../../domain/transfer.ts'
import { presentTransfer, transferSchema } from '../../events/transfer-resource.ts'
import { readTransferId } from '../../store/ids.ts'
import type { Place, TransferSearch } from '../../store/transfer-search.ts'
import type { Vault } from '../../store/vault.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'
import { limitOf, validate } from './validate.ts'

const cursorSchema = z.string().transform((text, context): Place => {
  const [, at = '', id = ''] = /^(\d{1,15})\.(.{1,64})$/.exec(text) ?? []
  const transferId: TransferId | undefined = readTransferId(id)
  if (transferId) return { at: Number(at), id: transferId }
  context.addIssue({ code: 'custom', message: 'It is not `next` of an earlier answer.' })
  return z.NEVER
})

const searchSchema = z.strictObject({
  accountNumber: z.string({ error: 'It is required.' }).trim().min(1).max(128),
  account: z.string().min(1).optional(),
  after: cursorSchema.optional(),
  limit: z.int().min(1).max(1000).optional(),
})

export interface TransferSearchRoutesDeps {
  authenticate(token: string): Principal | null
  search: TransferSearch
  vault: Pick<Vault, 'openAllSecrets'>
}

export function createTransferSearchRoutes({
  authenticate,
  search,
  vault,
}: TransferSearchRoutesDeps): Router {
  const router = Router()
  router.post('/transfers/search', requireScope(authenticate, 'transfers:read'), async (req, res) => {
    const { accountNumber, account, after, limit } = validate(searchSchema, req.body)
    const page = await search.search({ number: accountNumber, account, after, limit: limitOf(limit) })
    const secrets = await vault.openAllSecrets(page.transfers)
    res.json({
      items: page.transfers.map((one, i) => presentTransfer(one, secrets[i] as TransferSecrets | undefined)),
      next: page.next && `${page.next.at}.${page.next.id}`,
    })
  })
  router.all('/transfers/search', allowOnly('POST'))
  return router
}

export const transferSearchOperations: readonly Operation[] = [
  {
    id: 'searchTransfers',
    method: 'post',
    path: '/v1/transfers/search',
    tag: 'transfers',
    summary: 'Transfers to an account number or openid',
    description:
      'Newest first. A POST, so that the number stands in no URL and no log. It is compared by a keyed digest.',
    scope: 'transfers:read',
    body: searchSchema,
    example: { accountNumber: '1234567890', limit: 20 },
    answers: { 200: { description: 'One page of them', schema: pageOf(transferSchema) } },
  },
]
