/**
 * A make-believe Zenospay: a real HTTP server that checks what it receives as the documentation says, and calls back
 * under real signatures. It pays nobody.
 */
import { type KeyObject, randomUUID } from 'node:crypto'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { z } from 'zod'
import { parseTime } from '../domain/time.ts'
import { digestBody } from '../providers/digest.ts'
import { headerNames, verifyParts } from '../providers/zenospay/signature.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Disbursement, describeDisbursement, signCallback } from './signed-callback.ts'

export interface ZenospaySandboxDeps {
  providerPrivateKey: KeyObject
  merchantPublicKey: KeyObject
  partnerId: string
  /** Where the merchant registered to be called. */
  callbackUrl: string
  clock: () => number
  random: () => number
  fetch: typeof fetch
  logger: Logger
}

export interface ZenospaySandbox {
  app: Express
  /** Waits for no more callbacks. */
  stop(): void
}

interface Payout extends Disbursement {
  fee: number
  paid: boolean
}

const inquirySchema = z.object({
  merchant_transaction_id: z.string().min(1),
  bank_code: z.string().min(1),
  amount: z.int().min(1).max(999_999_999_999),
  account_number: z.string().regex(/^\d{1,12}$/),
  customer_name: z.string().regex(/^[a-zA-Z0-9 -]{5,25}$/),
})
const transferSchema = z.object({ inquiry_id: z.string(), force: z.boolean().default(false) })
const checkSchema = z.object({ merchant_transaction_id: z.string() })

const requestAgeMsMax = 5 * 60_000
const settleMsMin = 800
const settleMsMax = 4_000
const failShare = 0.1
const repeatShare = 0.2

/** How long it waits before it calls again after a 5xx or no answer; the real schedule is not documented. */
const retryMs = [1_000, 5_000, 15_000, 60_000]

export function createZenospaySandbox(deps: ZenospaySandboxDeps): ZenospaySandbox {
  const { clock, random, logger } = deps
  const byReference = new Map<string, Payout>()
  const byInquiry = new Map<string, Payout>()
  const timers = new Set<NodeJS.Timeout>()
  const callbackPath = new URL(deps.callbackUrl).pathname

  function later(ms: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work().catch((error) => logger.warn('sandbox.broke', { error }))
    }, ms)
    timers.add(timer)
  }

  async function callBack(payout: Payout, attempt = 0): Promise<void> {
    const { headers, body } = signCallback(describeDisbursement(payout), {
      privateKey: deps.providerPrivateKey,
      partnerId: deps.partnerId,
      path: callbackPath,
      now: clock(),
    })
    const status = await post(headers, body)
    logger.debug('sandbox.called-back', { status, attempt })
    const again = retryMs[attempt]
    if ((status === undefined || status >= 500) && again !== undefined)
      later(again, () => callBack(payout, attempt + 1))
  }

  async function post(headers: Record<string, string>, body: string): Promise<number | undefined> {
    try {
      const signal = AbortSignal.timeout(2_000)
      const answer = await deps.fetch(deps.callbackUrl, { method: 'POST', headers, body, signal })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return undefined
    }
  }

  async function settle(payout: Payout): Promise<void> {
    payout.status = random() < failShare ? 'fail' : 'success'
    payout.updatedAt = clock()
    if (random() < repeatShare) later(100, () => callBack(payout))
    await callBack(payout)
  }

  const app = express()
  app.disable('x-powered-by')
  app.use(express.raw({ type: () => true, limit: '64kb' }), checkSignature(deps))

  app.post('/api/inquiry', (req, res) => {
    const asked = inquirySchema.safeParse(readJson(req))
    if (!asked.success) return refuse(res, 'The given data was invalid.')
    const { merchant_transaction_id: reference, ...rest } = asked.data
    if (byReference.has(reference)) return refuse(res, 'The merchant transaction id has already been taken.')
    const payout = createPayout(reference, rest, clock())
    byReference.set(reference, payout)
    byInquiry.set(payout.inquiryId, payout)
    return res.json({
      status: true,
      data: {
        merchant_transaction_id: reference,
        account_number: payout.accountNumber,
        account_name: payout.accountName,
        bank_code: payout.bankCode,
        bank_name: payout.bankName,
        amount: rest.amount,
        fee: payout.fee,
        inquiry_id: payout.inquiryId,
      },
    })
  })

  app.post('/api/transfer', (req, res) => {
    const asked = transferSchema.safeParse(readJson(req))
    const payout = asked.success ? byInquiry.get(asked.data.inquiry_id) : undefined
    if (!payout) return refuse(res, 'The inquiry is not found.')
    if (payout.paid) return refuse(res, 'The inquiry has already been processed.')
    payout.paid = true
    payout.status = 'processing'
    later(settleMsMin + random() * (settleMsMax - settleMsMin), () => settle(payout))
    return res.json({ status: true })
  })

  app.post('/api/check/inquiry', (req, res) => {
    const asked = checkSchema.safeParse(readJson(req))
    const payout = asked.success ? byReference.get(asked.data.merchant_transaction_id) : undefined
    if (!payout) return refuse(res, 'The transaction is not found.')
    return res.json({ status: true, data: describePayout(payout) })
  })

  return {
    app,
    stop() {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}

function createPayout(
  reference: string,
  asked: Omit<z.infer<typeof inquirySchema>, 'merchant_transaction_id'>,
  now: number,
): Payout {
  return {
    inquiryId: randomUUID().replaceAll('-', '').slice(0, 26),
    reference,
    amount: `${asked.amount}.00`,
    bankCode: asked.bank_code,
    bankName: 'Sandbox Bank',
    accountName: asked.customer_name,
    accountNumber: asked.account_number,
    status: 'pending',
    createdAt: now,
    updatedAt: now,
    fee: 5500,
    paid: false,
  }
}

/** The query spells its statuses with a capital and its times with microseconds, unlike the callback. */
function describePayout(payout: Payout): Record<string, unknown> {
  const micros = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z')
  return {
    status: payout.status.charAt(0).toUpperCase() + payout.status.slice(1),
    created_at: micros(payout.createdAt),
    updated_at: micros(payout.updatedAt),
    merchant_transaction_id: payout.reference,
    amount: payout.amount,
    bank_code: payout.bankCode,
    account_number: payout.accountNumber,
    reason: payout.status === 'fail' ? 'Rejected by the bank' : null,
    service_fee_final: `${payout.fee}.00`,
  }
}

function checkSignature(deps: ZenospaySandboxDeps): RequestHandler {
  return (req, res, next) => {
    const timestamp = req.get(headerNames.timestamp) ?? ''
    const sentAt = parseTime(timestamp)
    const fresh = sentAt !== undefined && Math.abs(deps.clock() - sentAt) < requestAgeMsMax
    const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)
    const method = req.method === 'GET' ? 'GET' : 'POST'
    const parts = { method, path: req.path, bodyDigest: digestBody(body), timestamp } as const
    const signature = Buffer.from(req.get(headerNames.signature) ?? '', 'base64')
    const known = req.get(headerNames.partner) === deps.partnerId
    if (known && fresh && verifyParts(parts, signature, deps.merchantPublicKey)) next()
    else res.status(401).json({ status: false, message: 'Unauthorized.' })
  }
}

function readJson(req: Request): unknown {
  try {
    return JSON.parse((req.body as Buffer).toString('utf8'))
  } catch {
    return undefined
  }
}

function refuse(res: Response, message: string): Response {
  return res.status(422).json({ status: false, data: null, message })
}
