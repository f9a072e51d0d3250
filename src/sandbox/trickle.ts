/**
 * A make-believe merchant's system: now and then it registers a payout with Tallyhook, to be sent at once, and at times a
 * batch or a coupon. It knows Tallyhook by HTTP alone.
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../telemetry/logger.ts'

export interface TrickleDeps {
  apiUrl: string
  apiToken: string
  /** At Zenospay. */
  account: string
  currency: string
  wechatAccount: string
  random: () => number
  fetch: typeof fetch
  logger: Logger
}

type Content = Record<string, unknown>
type Path = '/v1/transfers' | '/v1/batches' | '/v1/coupons'

export interface Trickle {
  register(path: Path, content: Content): Promise<void>
  start(intervalMs: number): void
  stop(): Promise<void>
}

const banks = ['002', '008', '009', '014', '022', '451']
const names = ['Siti Rahma', 'Budi Santoso', 'Dewi Lestari', 'Agus Wijaya', 'Rina Hartono']
const batchEvery = 12
const couponEvery = 7

export function createTrickle(deps: TrickleDeps): Trickle {
  const { random, logger } = deps
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let registering: Promise<void> = Promise.resolve()
  let ticks = 0

  async function register(path: Path, content: Content): Promise<void> {
    const answer = await deps.fetch(deps.apiUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${deps.apiToken}` },
      body: JSON.stringify(content),
      signal: stopped.signal,
    })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    await answer.arrayBuffer()
  }

  async function send(tick: number): Promise<void> {
    await register('/v1/transfers', makeTransfer(deps, random))
    if (tick % batchEvery === 2) await register('/v1/batches', makeBatch(deps, random))
    if (tick % couponEvery === 1) await register('/v1/coupons', makeCoupon(deps, random))
  }

  const tick = () => {
    registering = send(ticks++).catch((error) => {
      if (!stopped.signal.aborted) logger.warn('sandbox.not-registered', { error })
    })
  }

  return {
    register,
    start(intervalMs) {
      tick()
      timer = setInterval(tick, intervalMs)
    },
    async stop() {
      clearInterval(timer)
      stopped.abort()
      await registering
    },
  }
}

/** Letters and digits alone: WeChat Pay takes nothing else. */
export function makeReference(prefix: string): string {
  return `${prefix}${randomBytes(5).toString('hex')}`
}

type Accounts = Pick<TrickleDeps, 'account' | 'currency' | 'wechatAccount'>

function makeTransfer({ account, currency }: Accounts, random: () => number): Content {
  const accountNumber = String(1_000_000_000 + Math.floor(random() * 8_999_999_999))
  return {
    account,
    reference: makeReference('payout'),
    amount: { value: `${10_000 + Math.floor(random() * 490) * 1_000}.00`, currency },
    beneficiary: { bankCode: pick(banks, random), accountNumber, name: pick(names, random) },
    submit: true,
  }
}

function makeBatch({ wechatAccount }: Accounts, random: () => number): Content {
  const transfers = Array.from({ length: 3 + Math.floor(random() * 5) }, () => ({
    reference: makeReference('wage'),
    amount: { value: makeYuan(random), currency: 'CNY' },
    beneficiary: { openid: makeReference('o'), name: '张三' },
    remark: 'Commission',
  }))
  return {
    account: wechatAccount,
    reference: makeReference('wages'),
    name: 'Commissions',
    remark: 'Of the week',
    wechatpay: {
      authorizationType: 'INFORMATION_AUTHORIZATION_TYPE',
      subMchid: '1900000109',
      subAppid: 'wxd678efh567hg6787',
      purpose: 'COMMISSION',
    },
    transfers,
    submit: true,
  }
}

function makeCoupon({ wechatAccount }: Accounts, random: () => number): Content {
  return {
    account: wechatAccount,
    reference: makeReference('gift'),
    stockId: '9856000',
    openid: makeReference('o'),
    appid: 'wxd678efh567hg6787',
    amount: { value: makeYuan(random), currency: 'CNY' },
    name: '张三',
    // Of nobody: no place has the code 000000.
    idCard: '000000199001010000',
    submit: true,
  }
}

/** From 1.00 to 99.99. */
function makeYuan(random: () => number): string {
  const fen = 100 + Math.floor(random() * 9_900)
  return `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`
}

function pick(list: readonly string[], random: () => number): string {
  return list[Math.floor(random() * list.length)] ?? list[0] ?? ''
}
