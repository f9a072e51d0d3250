/** The plaintexts of WeChat Pay's events, by the event's name: what is encrypted into a callback. */
import type { WechatpaySettings } from '../config/accounts/wechatpay.ts'
import { AppError } from '../domain/errors.ts'
import { parseAmount } from '../domain/money.ts'
import type { Payout } from './signer.ts'

export type EventAccount = Pick<WechatpaySettings, 'mchid' | 'currency'>

export interface EventKind {
  originalType: string
  summary: string
  describe(account: EventAccount, payout: Payout): string
}

/** The first is meant where none is named. */
export const eventKinds: Record<string, EventKind> = {
  'MCHTRANSFER.BILL.FINISHED': {
    originalType: 'mch_payment',
    summary: '商家转账单据终态通知',
    describe: describeBill,
  },
  'MCHTRANSFER.BATCH.FINISHED': {
    originalType: 'mch_payment',
    summary: '商家转账批次完成通知',
    describe: (account, payout) => describeBatch(account, payout, 'FINISHED'),
  },
  'MCHTRANSFER.BATCH.CLOSED': {
    originalType: 'mch_payment',
    summary: '商家转账批次关闭通知',
    describe: (account, payout) => describeBatch(account, payout, 'CLOSED'),
  },
  'COUPON.USE': { originalType: 'coupon', summary: '代金券核销通知', describe: describeCouponUse },
}

/** The sandbox's words for a payout's fate beside WeChat Pay's own. */
const states: Record<string, string> = { SUCCESS: 'SUCCESS', FAIL: 'FAIL', PENDING: 'PROCESSING' }

function readState({ status }: Payout): string {
  const word = status.toUpperCase()
  return states[word] ?? word
}

function describeBill(account: EventAccount, payout: Payout): string {
  const state = readState(payout)
  return withNumbers({
    mch_id: account.mchid,
    out_bill_no: payout.reference,
    transfer_bill_no: payout.providerReference,
    transfer_amount: readFen(account, payout),
    state,
    openid: payout.openid,
    ...(state === 'FAIL' && { fail_reason: 'ACCOUNT_FROZEN' }),
    create_time: formatShanghaiTime(payout.at),
    update_time: formatShanghaiTime(payout.at),
  })
}

/** Of a batch whose transfers all went one way. */
function describeBatch(account: EventAccount, payout: Payout, status: 'FINISHED' | 'CLOSED'): string {
  const count = BigInt(payout.count ?? 1)
  const amount = readFen(account, payout)
  const [paid, failed] = readState(payout) === 'FAIL' ? ['fail', 'success'] : ['success', 'fail']
  return withNumbers({
    mchid: account.mchid,
    out_batch_no: payout.reference,
    batch_id: payout.providerReference,
    batch_status: status,
    total_num: count,
    total_amount: amount,
    ...(status === 'CLOSED'
      ? { close_reason: 'OVERDUE_CLOSE' }
      : {
          [`${paid}_num`]: count,
          [`${paid}_amount`]: amount,
          [`${failed}_num`]: 0n,
          [`${failed}_amount`]: 0n,
        }),
    update_time: formatShanghaiTime(payout.at),
  })
}

function describeCouponUse(account: EventAccount, payout: Payout): string {
  return withNumbers({
    stock_creator_mchid: account.mchid,
    stock_id: payout.stockId ?? '9856000',
    coupon_id: payout.couponNumber ?? '98674556',
    coupon_name: '消费金',
    status: 'SENDED',
    business_type: 'MULTIUSE',
    create_time: formatShanghaiTime(payout.at),
    coupon_type: 'NORMAL',
    no_cash: false,
    singleitem: false,
    consume_information: {
      consume_time: formatShanghaiTime(payout.at),
      consume_mchid: account.mchid,
      transaction_id: payout.providerReference,
      consume_amount: readFen(account, payout),
    },
  })
}

function readFen({ currency }: EventAccount, { amount }: Payout): bigint {
  const parsed = parseAmount(amount, currency)
  if (parsed.ok) return parsed.money.minor
  throw new AppError('invalid-request', { detail: `--amount: it cannot be read (${parsed.problem}).` })
}

/** A bigint is a number on the wire, and no float on the way to it. */
function withNumbers(content: object): string {
  const text = JSON.stringify(content, (_, value: unknown) =>
    typeof value === 'bigint' ? `#number:${value}` : value,
  )
  return text.replace(/"#number:([0-9]+)"/g, '$1')
}

export function formatShanghaiTime(ms: number): string {
  return `${new Date(ms + 8 * 3600_000).toISOString().slice(0, 19)}+08:00`
}
