/**
 * Calls WeChat Pay for one merchant: batches and coupons are ordered, both are asked about. An order has a number of ours,
 * under which it is carried out once however often it is sent.
 */
import type { FieldError } from '../../domain/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { CallResult, Client, ConnectTo, Endpoint, Order, Question, RateLimit } from '../client.ts'
import type { MerchantCredentials, PlatformKey, WechatpayAccount } from './account.ts'
import { checkGrant, checkPayBatch } from './check-order.ts'
import { concludeOrder, concludeQuestion } from './conclude.ts'
import { draftByTheirNumber, draftOrder, draftQuestion } from './draft.ts'
import type { PlatformKeys } from './platform-keys.ts'
import { createSend, type Draft } from './send.ts'

export interface ClientDeps {
  account: WechatpayAccount
  credentials: MerchantCredentials
  keys: Pick<PlatformKeys, 'find' | 'encryptionKey'>
  connectTo: ConnectTo
  clock: () => number
  randomBytes: (count: number) => Uint8Array
  logger: Logger
}

const defaultTimeoutMs = 15_000
/** As long as the list of certificates is not asked for again. */
const keyRetryMs = 10_000

/** As documented; of asking about a coupon nothing is, so it is taken for a grant. */
const limits: readonly RateLimit[] = [
  { bucket: 'batches', count: 50, perMs: 1_000 },
  { bucket: 'batch-queries', count: 50, perMs: 1_000 },
  { bucket: 'detail-queries', count: 50, perMs: 1_000 },
  { bucket: 'coupons', count: 1_000, perMs: 60_000 },
  { bucket: 'coupon-queries', count: 1_000, perMs: 60_000 },
]

export function describeEndpoint(
  { id, calls }: WechatpayAccount,
  { baseUrl, spareUrl }: MerchantCredentials,
): Endpoint {
  return { account: id, baseUrl, spareUrl, limits, timeoutMs: calls?.timeoutMs ?? defaultTimeoutMs }
}

export function createClient({ connectTo, ...deps }: ClientDeps): Client {
  const { account, credentials, keys, logger } = deps
  const send = createSend({ ...deps, call: connectTo(describeEndpoint(account, credentials)) })

  function refuse({ call, reference }: Order, problems: readonly FieldError[]): CallResult {
    const reasons = problems.slice(0, 20).map(({ path, code }) => `${path} ${code}`)
    // Without its reference, which may be somebody's name; whoever gave it says which one it is.
    logger.warn('order.not-sent', { call, problems: reasons, count: problems.length })
    return refusedByUs(call, reference, problems)
  }

  async function exchange(
    draft: (key: PlatformKey) => Draft | Promise<Draft>,
    signal: AbortSignal | undefined,
  ) {
    const key = await keys.encryptionKey()
    if (!key)
      return { ...unsent('No key of WeChat Pay is held, nor could one be fetched.'), retryInMs: keyRetryMs }
    return send(await draft(key), key, signal)
  }

  async function askAt(
    draft: Draft,
    question: Question,
    signal: AbortSignal | undefined,
  ): Promise<CallResult> {
    const answer = await exchange(() => draft, signal)
    if (answer.outcome !== 'proved') return answer
    return concludeQuestion(account, question, answer, (about) =>
      logger.warn('answer.not-understood', { call: question.call, ...about }),
    )
  }

  return {
    orders: new Set<Order['call']>(['pay-batch', 'grant']),
    questions: new Set<Question['call']>(['batch', 'batch-page', 'transfer', 'coupon']),

    async order(order, signal) {
      if (order.call !== 'pay-batch' && order.call !== 'grant') return unsent('WeChat Pay has no such order.')
      const problems = order.call === 'grant' ? checkGrant(order) : checkPayBatch(order)
      if (problems.length > 0) return refuse(order, problems)
      const { notAfter } = order
      const answer = await exchange(async (key) => ({ ...(await draftOrder(order, key)), notAfter }), signal)
      return answer.outcome === 'proved' ? concludeOrder(account, order, answer) : answer
    },

    async ask(question, signal) {
      const draft = draftQuestion(question)
      if (!draft) return unsent('WeChat Pay cannot be asked that.')
      const byOurs = await askAt(draft, question, signal)
      // What has a number of WeChat Pay's own was there once, and is not gone because ours is not found.
      const other = byOurs.outcome === 'not-known' ? draftByTheirNumber(question) : undefined
      if (!other) return byOurs
      const byTheirs = await askAt(other, question, signal)
      return byTheirs.outcome === 'unsent' ? halfAsked(byTheirs.because) : byTheirs
    },
  }
}

/**
 * Nothing was sent now, but the same order may have been before, so it is for a person and not failed. In the place of an
 * answer stands what is wrong with it, without a value.
 */
function refusedByUs(
  call: Order['call'],
  reference: string,
  problems: readonly Pick<FieldError, 'path' | 'code'>[],
): CallResult {
  const code = 'ORDER_INVALID'
  const errors = problems.map(({ path, code }) => ({ path, code }))
  const body = Buffer.from(JSON.stringify({ code, errors }))
  const part = {
    asked: { source: 'submission' as const, call, status: 0, reference },
    body,
    keyId: '',
    headers: {},
  }
  return { outcome: 'refused', remedy: 'operator', code, part }
}

/**
 * Not unsent: whoever hears that asks again at once, beginning with our number, and under a narrow limit the second question
 * would never have its turn and the first take everybody's. Nor is it known that there is nothing.
 */
function halfAsked(because: string): CallResult {
  return { outcome: 'unknown', because: `Our number is not found, and theirs was not asked by. ${because}` }
}

function unsent(because: string): { outcome: 'unsent'; because: string } {
  return { outcome: 'unsent', because }
}
