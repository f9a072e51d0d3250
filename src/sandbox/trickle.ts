/**
 * A make-believe merchant's system: now and then it registers a payout with Tallyhook and starts it at the
 * make-believe provider, as a team would that starts its transfers by itself. It knows both by HTTP alone.
 */
import { type KeyObject, randomBytes } from 'node:crypto'
import { digestBody } from '../providers/digest.ts'
import { headerNames, signParts } from '../providers/zenospay/signature.ts'
import type { Logger } from '../telemetry/logger.ts'
import { formatJakartaTime } from './signed-callback.ts'

export interface TrickleDeps {
  apiUrl: string
  apiToken: string
  account: string
  currency: string
  providerUrl: string
  partnerId: string
  merchantPrivateKey: KeyObject
  clock: () => number
  random: () => number
  fetch: typeof fetch
  logger: Logger
}

export interface NewTransfer {
  reference: string
  /** Whole units. */
  amount: number
  beneficiary: { bankCode: string; accountNumber: string; name: string }
}

export interface Trickle {
  register(transfer: NewTransfer): Promise<{ id: string }>
  /** One payout from registration to acceptance at the provider. */
  pay(): Promise<void>
  start(intervalMs: number): void
  stop(): Promise<void>
}

const banks = ['002', '008', '009', '014', '022', '451']
const names = ['Siti Rahma', 'Budi Santoso', 'Dewi Lestari', 'Agus Wijaya', 'Rina Hartono']

export function createTrickle(deps: TrickleDeps): Trickle {
  const { random, clock, logger } = deps
  let timer: NodeJS.Timeout | undefined
  let paying: Promise<void> = Promise.resolve()
  const stopped = new AbortController()

  async function register({ reference, amount, beneficiary }: NewTransfer): Promise<{ id: string }> {
    const answer = await deps.fetch(`${deps.apiUrl}/v1/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${deps.apiToken}` },
      body: JSON.stringify({
        account: deps.account,
        reference,
        amount: { value: `${amount}.00`, currency: deps.currency },
        beneficiary,
      }),
      signal: stopped.signal,
    })
    if (!answer.ok) throw new Error(`Registering answered ${answer.status}.`)
    return (await answer.json()) as { id: string }
  }

  async function ask(path: string, content: Record<string, unknown>): Promise<Record<string, unknown>> {
    const body = JSON.stringify(content)
    const timestamp = formatJakartaTime(clock())
    const parts = { method: 'POST', path, bodyDigest: digestBody(Buffer.from(body)), timestamp } as const
    const answer = await deps.fetch(deps.providerUrl + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [headerNames.timestamp]: timestamp,
        [headerNames.partner]: deps.partnerId,
        [headerNames.signature]: signParts(parts, deps.merchantPrivateKey),
      },
      body,
      signal: stopped.signal,
    })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}.`)
    return (await answer.json()) as Record<string, unknown>
  }

  async function pay(): Promise<void> {
    const transfer = makeTransfer(random)
    await register(transfer)
    const { data } = (await ask('/api/inquiry', {
      merchant_transaction_id: transfer.reference,
      bank_code: transfer.beneficiary.bankCode,
      amount: transfer.amount,
      account_number: transfer.beneficiary.accountNumber,
      customer_name: transfer.beneficiary.name,
    })) as { data: { inquiry_id: string } }
    await ask('/api/transfer', { inquiry_id: data.inquiry_id })
  }

  const tick = () => {
    paying = pay().catch((error) => {
      if (!stopped.signal.aborted) logger.warn('sandbox.not-paid', { error })
    })
  }

  return {
    register,
    pay,
    start(intervalMs) {
      tick()
      timer = setInterval(tick, intervalMs)
    },
    async stop() {
      clearInterval(timer)
      stopped.abort()
      await paying
    },
  }
}

/** Letters and digits alone: WeChat Pay takes nothing else. */
export function makeReference(prefix: string): string {
  return `${prefix}${randomBytes(5).toString('hex')}`
}

function makeTransfer(random: () => number): NewTransfer {
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? list[0] ?? ''
  return {
    reference: makeReference('payout'),
    amount: 10_000 + Math.floor(random() * 490) * 1_000,
    beneficiary: {
      bankCode: pick(banks),
      accountNumber: String(1_000_000_000 + Math.floor(random() * 8_999_999_999)),
      name: pick(names),
    },
  }
}
