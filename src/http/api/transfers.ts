import { Router } from 'express'
import { z } from 'zod'
import { register } from '../../domain/decide.ts'
import { AppError, type ErrorCode } from '../../domain/errors.ts'
import type { TransferEvent } from '../../domain/event.ts'
import type { Beneficiary, Transfer } from '../../domain/transfer.ts'
import { presentTransfer } from '../../events/resource.ts'
import { readTransferId, transferIdOf } from '../../store/keys.ts'
import type { TransferStore } from '../../store/transfers.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { canonicalContent, type TransferRequest, transferRequestSchema } from './transfer-request.ts'
import { validate } from './validate.ts'

export interface TransferRoutesDeps {
  authenticate(token: string): Principal | null
  transfers: TransferStore
  /** Each account that there is. */
  accounts: ReadonlyMap<string, AccountTerms>
  digestContent(text: string): string
  /** Why nothing new can be kept right now; undefined when it can. What room is left belongs to the workers. */
  unavailable(): ErrorCode | undefined
  /** Callbacks that came before their transfer go on from here. */
  pumpReady(): Promise<unknown>
  clock: () => number
  logger: Logger
}

/** What an account pays in, and whom. */
export interface AccountTerms {
  currency: string
  beneficiaries: readonly Beneficiary['kind'][]
}

const listSchema = z.strictObject({
  account: z.string({ error: 'It is required.' }).min(1),
  reference: z.string({ error: 'It is required.' }).min(1),
})

export function createTransferRoutes(deps: TransferRoutesDeps): Router {
  const { transfers, logger } = deps
  const router = Router()
  const mayRead = requireScope(deps.authenticate, 'transfers:read')
  const mayWrite = requireScope(deps.authenticate, 'transfers:write')

  router.post('/transfers', mayWrite, async (req, res) => {
    const request = validate(transferRequestSchema, req.body)
    checkAccount(request, deps.accounts)
    const unavailable = deps.unavailable()
    if (unavailable) throw new AppError(unavailable)
    const { transfer, created } = await registerTransfer(request)
    res
      .status(created ? 201 : 200)
      .location(`/v1/transfers/${transfer.id}`)
      .json(presentTransfer(transfer))
  })

  router.get('/transfers/:id', mayRead, async (req, res) => {
    const id = readTransferId(String(req.params.id))
    const transfer = id && (await transfers.find(id))
    if (!transfer) throw new AppError('not-found', { detail: 'There is no transfer with this id.' })
    res.json(presentTransfer(transfer))
  })

  router.get('/transfers', mayRead, async (req, res) => {
    const { account, reference } = validate(listSchema, req.query)
    const transfer = await transfers.find(transferIdOf(account, reference))
    res.json({ items: transfer ? [presentTransfer(transfer)] : [], next: null })
  })

  router.all('/transfers', allowOnly('GET', 'HEAD', 'POST'))
  router.all('/transfers/:id', allowOnly('GET', 'HEAD'))

  async function registerTransfer(
    request: TransferRequest,
  ): Promise<{ transfer: Transfer; created: boolean }> {
    const event = describeRegistration(request)
    const result = await transfers.register(event)
    const { transfer } = result
    if (result.outcome === 'exists') {
      if (transfer.contentDigest === event.transfer.contentDigest) return { transfer, created: false }
      throw new AppError('reference-conflict', {
        detail: 'This reference is registered for the account with other content. Nothing was changed.',
      })
    }
    logger.info('transfer.registered', {
      transferId: transfer.id,
      account: transfer.account,
      madeReady: result.madeReady,
    })
    // The workers look for what is ready by themselves; a failure here only makes it wait for them.
    if (result.madeReady > 0)
      await deps.pumpReady().catch((error) => logger.warn('ready.not-pumped', { error }))
    return { transfer, created: true }
  }

  function describeRegistration(request: TransferRequest): TransferEvent {
    const now = deps.clock()
    const id = transferIdOf(request.account, request.reference)
    const contentDigest = deps.digestContent(canonicalContent(request))
    const { transfer, fact } = register({ ...request, id, contentDigest }, now)
    return { fact, transfer, because: { source: 'registration' }, at: now }
  }

  return router
}

function checkAccount(request: TransferRequest, accounts: ReadonlyMap<string, AccountTerms>): void {
  const terms = accounts.get(request.account)
  if (terms === undefined) throw invalid('account', 'unknown-account', 'There is no such account.')
  const { currency, beneficiaries } = terms
  if (currency !== request.amount.currency) {
    throw invalid('amount.currency', 'wrong-currency', `The account pays in ${currency}.`)
  }
  if (!beneficiaries.includes(request.beneficiary.kind)) {
    const wanted = beneficiaries.map((kind) => beneficiaryForms[kind]).join(' or ')
    throw invalid('beneficiary', 'wrong-beneficiary', `The account pays to ${wanted}.`)
  }
}

const beneficiaryForms: Record<Beneficiary['kind'], string> = {
  bank: 'a bank: bankCode, accountNumber and name',
  wechatpay: 'a WeChat Pay user: openid',
}

function invalid(path: string, code: string, message: string): AppError {
  return new AppError('invalid-request', {
    detail: 'The request is not valid; `errors` says where.',
    errors: [{ path, code, message }],
  })
}
