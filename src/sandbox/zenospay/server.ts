/**
 * A make-believe Zenospay: it checks what it receives as strictly as the documents say, answers in their forms and calls
 * back under real signatures. It pays nobody. Of HTTP statuses the documents say nothing; here a request that is off has
 * 422, a reference that is unknown 404, and every other refusal 200 with `"status": false`.
 */
import type { KeyObject } from 'node:crypto'
import { Router } from 'express'
import type { Logger } from '../../telemetry/logger.ts'
import { createCourier } from '../courier.ts'
import type { Fates } from '../fates.ts'
import type { ProviderServer } from '../server.ts'
import { read, refuse, writeBalance } from './answers.ts'
import { createAuthorise } from './authorise.ts'
import { createCallbacks } from './callbacks.ts'
import { createLedger } from './ledger.ts'
import { createPaymentRoutes } from './payment-routes.ts'
import { describeBelief, describeInquiry, describeStatus, type Payout } from './payout.ts'
import { checkPayoutSchema, createInquirySchema, transferSchema } from './requests.ts'
import { createTrouble } from './trouble.ts'

export interface ZenospayServerDeps {
  partnerId: string
  merchantPublicKey: KeyObject
  privateKey: KeyObject
  /** Signs what `key-rotation` strikes. */
  nextPrivateKey: KeyObject
  /** Where the merchant registered to be called. */
  callbackUrl: string
  callbacksOn: () => boolean
  fates: Fates
  reservationMs?: number
  balanceMinor?: bigint
  accountNumberDigitsMax?: number
  retryMs?: readonly number[]
  /** How long it keeps a caller waiting whom it will not answer. */
  hangMs?: number
  clock: () => number
  fetch: typeof fetch
  logger: Logger
}

const usualReservationMs = 30 * 60_000
const usualBalanceMinor = 528_534_207_000_52n
const usualDigitsMax = 12
/** The real schedule is not documented. */
const usualRetryMs = [1_000, 5_000, 15_000, 60_000]
const usualHangMs = 30_000
/** A merchant has two seconds to answer. */
const callbackMsMax = 2_000

export function createZenospayServer(deps: ZenospayServerDeps): ProviderServer {
  const { fates, clock } = deps
  const { balanceMinor = usualBalanceMinor, reservationMs = usualReservationMs } = deps
  const ledger = createLedger({ clock, balanceMinor, reservationMs })
  const courier = createCourier({ ...deps, retryMs: deps.retryMs ?? usualRetryMs, timeoutMs: callbackMsMax })
  const callbacks = createCallbacks({ ...deps, path: new URL(deps.callbackUrl).pathname, courier })
  const trouble = createTrouble({ courier, hangMs: deps.hangMs ?? usualHangMs })
  const inquirySchema = createInquirySchema({
    accountNumberDigitsMax: deps.accountNumberDigitsMax ?? usualDigitsMax,
  })

  async function settle(payout: Payout): Promise<void> {
    ledger.settle(payout)
    if (payout.fate.has('refund-after-success') && payout.status === 'success')
      courier.later(payout.fate.delayMs + returnMs, () => giveBack(payout))
    await callbacks.tell(payout)
  }

  async function giveBack(payout: Payout): Promise<void> {
    ledger.giveBack(payout)
    await callbacks.tell(payout)
  }

  /** Ordered: from here on it comes to its end whatever is answered. */
  async function pay(payout: Payout): Promise<void> {
    ledger.order(payout)
    if (payout.fate.has('early')) await settle(payout)
    else courier.later(payout.fate.delayMs, () => settle(payout))
  }

  const router = Router()
  const authorise = createAuthorise(deps)

  router.post('/api/inquiry', authorise, (req, res) => {
    const asked = read(inquirySchema, req, res)
    if (!asked) return
    const reference = asked.merchant_transaction_id
    const fate = fates.fateOf('zenospay', reference, BigInt(asked.amount) * 100n)
    if (trouble.isBusy({ fate, reference }, 'inquiry', res)) return
    if (fate.has('refused')) return refuse(res, fate.reason ?? 'The transaction is not allowed.')
    if (ledger.findByReference(reference))
      return refuse(res, 'The merchant transaction id has already been taken.')
    const payout = ledger.reserve(asked, fate)
    if (!payout) return refuse(res, 'Insufficient balance.')
    res.json({ status: true, data: describeInquiry(payout) })
  })

  router.post('/api/transfer', authorise, async (req, res) => {
    const asked = read(transferSchema, req, res)
    if (!asked) return
    const payout = ledger.findByInquiry(asked.inquiry_id)
    if (!payout) return refuse(res, 'The inquiry is not found.', 404)
    if (trouble.isBusy(payout, 'transfer', res)) return
    payout.payCalls += 1
    const problem = findProblem(payout, asked.force)
    if (problem !== undefined) return refuse(res, problem)
    if (trouble.isLost(payout)) return trouble.break(res)
    await pay(payout)
    if (trouble.isUnanswered(payout)) return trouble.hang(res)
    if (trouble.isBroken(payout, 'transfer')) return trouble.break(res)
    res.json({ status: true })
  })

  router.post('/api/check/inquiry', authorise, (req, res) => {
    const asked = read(checkPayoutSchema, req, res)
    if (!asked) return
    const payout = ledger.findByReference(asked.merchant_transaction_id)
    if (!payout) return refuse(res, 'The transaction is not found.', 404)
    if (trouble.isBusy(payout, 'check', res)) return
    if (trouble.isBroken(payout, 'check')) return trouble.break(res)
    res.json({ status: true, data: describeStatus(payout) })
  })

  router.get('/api/balance', authorise, (_req, res) => {
    res.type('json').send(writeBalance(ledger.funds()))
  })

  const payments = createPaymentRoutes({ router, authorise, fates, callbacks, clock })
  return {
    router,
    state: () => ({
      payouts: ledger.all().map(describeBelief),
      payments: payments.state(),
      pending: courier.pending(),
    }),
    stop: () => courier.stop(),
  }
}

/** A bank takes its time. */
const returnMs = 1_000

function findProblem(payout: Payout, force: boolean): string | undefined {
  if (payout.status === 'expired') return 'The inquiry has expired.'
  if (payout.status !== 'reserved') return 'The inquiry has already been processed.'
  return payout.accountName === null && !force ? 'The account is not valid.' : undefined
}
