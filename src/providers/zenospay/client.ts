/**
 * Calls Zenospay: signs, sends, reads the answer and says what came of it. Zenospay promises no idempotence, so no order is
 * ever sent a second time here; only questions are.
 *
 * Answers are not signed. That TLS led to the account's host is all that proves them, so whatever is not of the documented
 * form, about the very reference and readable to the last digit is no answer: of an order it is unknown then what became
 * of it.
 */
import { AppError } from '../../domain/errors.ts'
import type { Balance, Call, CallResult, Client, ConnectTo } from '../client.ts'
import type { ZenospayAccount, ZenospayCredentials } from './account.ts'
import { readBalance } from './balance.ts'
import { judgeOrder, judgeQuestion, notSendable, type ZenospayOrder, type ZenospayQuestion } from './judge.ts'
import { createZenospayLimits } from './limits.ts'
import { bucket, createSignedRequest } from './request.ts'
import { reservationMs } from './translate-submission.ts'
import { type Written, writePay, writeQuestion, writeReserve } from './write-order.ts'

export interface ZenospayClientDeps {
  connectTo: ConnectTo
  clock: () => number
}

/** No limit is documented. */
const perSecondUsual = 20

/** From giving an order to sending it, where who gives it does not say: longer than that, and the process slept. */
const orderMsMax = 10_000

const paths = {
  reserve: '/api/inquiry',
  pay: '/api/transfer',
  transfer: '/api/check/inquiry',
  collection: '/api/check/transaction',
  balance: '/api/balance',
} as const

export function createZenospayClient(
  account: ZenospayAccount,
  credentials: ZenospayCredentials,
  { connectTo, clock }: ZenospayClientDeps,
): Client {
  const call = connect(account, credentials, connectTo)
  const signed = createSignedRequest({ account, credentials, clock })
  const limits = createZenospayLimits(account)

  async function give(order: ZenospayOrder, signal?: AbortSignal): Promise<CallResult> {
    const askedAt = clock()
    const written: Written = order.call === 'reserve' ? writeReserve(order, account, limits) : writePay(order)
    if ('problems' in written) return notSendable(order, askedAt, written.problems)
    const request = signed({
      method: 'POST',
      path: paths[order.call],
      body: written.body,
      repeatable: false,
      notAfter: order.notAfter ?? askedAt + orderMsMax,
    })
    const exchange = await call(request, signal)
    return exchange.outcome === 'answered' ? judgeOrder(account, order, askedAt, exchange) : exchange
  }

  async function question(asked: ZenospayQuestion, signal?: AbortSignal): Promise<CallResult> {
    const body = writeQuestion(asked.reference)
    const request = signed({ method: 'POST', path: paths[asked.call], body, repeatable: true })
    const exchange = await call(request, signal)
    return exchange.outcome === 'answered' ? judgeQuestion(account, asked, exchange) : exchange
  }

  return {
    orders: new Set(['reserve', 'pay']),
    questions: new Set(['transfer', 'collection']),
    reservationMs,
    explains: true,
    order: async (order, signal) =>
      order.call === 'reserve' || order.call === 'pay' ? give(order, signal) : neverDoes(order.call),
    ask: async (asked, signal) =>
      asked.call === 'transfer' || asked.call === 'collection'
        ? question(asked, signal)
        : neverDoes(asked.call),
    async balance(signal): Promise<Balance | undefined> {
      const exchange = await call(signed({ method: 'GET', path: paths.balance, repeatable: true }), signal)
      if (exchange.outcome !== 'answered') return undefined
      return readBalance(exchange.status, exchange.body, account.currency)
    },
  }
}

function connect(
  { id, calls }: ZenospayAccount,
  { baseUrl }: ZenospayCredentials,
  connectTo: ConnectTo,
): Call {
  const limits = [{ bucket, count: calls.perSecond ?? perSecondUsual, perMs: 1000 }]
  return connectTo({ account: id, baseUrl, limits, timeoutMs: calls.timeoutMs })
}

function neverDoes(call: string): never {
  throw new AppError('internal-error', { detail: `Zenospay knows no such call as ${call}.` })
}
