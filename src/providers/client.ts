/**
 * How we call a provider: orders and questions in our words, and what came of them. A client signs, sends, verifies the
 * answer and says which of these it is; it decides nothing. What was answered becomes a receipt and goes the way of a
 * callback.
 *
 * Unknown is not failed: whatever may have reached the provider and was not answered so that it can be proved is `unknown`.
 */
import type { WechatpayBatch } from '../domain/batch.ts'
import type { Money } from '../domain/money.ts'
import type { Asked } from '../domain/receipt.ts'
import type { Beneficiary } from '../domain/transfer.ts'

export interface OrderedTransfer {
  reference: string
  amount: Money
  beneficiary: Beneficiary
  remark?: string | undefined
}

export type Order = {
  /** It may not leave us later than this, however long whoever gives it was stopped in between: for `CallRequest`. */
  notAfter?: number | undefined
} & Ordered

type Ordered =
  /** Sets the money of a transfer aside. */
  | ({ call: 'reserve' } & OrderedTransfer)
  /** Pays what was set aside under the provider's number. */
  | { call: 'pay'; reference: string; reservation: string; force: boolean }
  | {
      call: 'pay-batch'
      reference: string
      name: string
      remark: string
      terms: WechatpayBatch
      transfers: readonly OrderedTransfer[]
    }
  | {
      call: 'grant'
      reference: string
      stockId: string
      appid: string
      openid: string
      name: string
      idCard: string
      amount?: Money | undefined
    }

/** The provider's own numbers, where they are known: asked by where ours are not found. */
interface TheirBatch {
  batchNumber?: string | undefined
}
interface TheirTransfer extends TheirBatch {
  number?: string | undefined
}

export type Question =
  | ({ call: 'transfer'; reference: string; batch?: string | undefined } & TheirTransfer)
  | ({ call: 'batch'; reference: string } & TheirBatch)
  /** Its transfers, from a position on; known only once the provider is done with it. */
  | ({ call: 'batch-page'; reference: string; from: number } & TheirBatch)
  | { call: 'coupon'; reference: string; couponNumber: string; openid: string; appid: string }
  | { call: 'collection'; reference: string }

/** What a part of an answer says of one intent, as bytes that can be read again. */
export interface AnswerPart {
  asked: Asked
  body: Buffer
  /** Which of the provider's keys proved it; empty where answers are not signed. */
  keyId: string
  /** What it takes to prove it again. */
  headers: Record<string, string>
}

/**
 * What to do about a refusal:
 *   same      send the same again, later
 *   ask       it may have been taken all the same: ask
 *   operator  a person has to mend something; nothing was taken
 *   failed    it is refused for good; nothing was taken
 */
export type Remedy = 'same' | 'ask' | 'operator' | 'failed'

export type CallResult =
  /** `next`: where a list goes on. */
  | { outcome: 'answered'; parts: AnswerPart[]; next?: number }
  /** To a question: the provider knows of no such thing, at this moment. */
  | { outcome: 'not-known' }
  /** `part`: what it said, where a person or the intent has to hear of it. */
  | { outcome: 'refused'; remedy: Remedy; code: string; part?: AnswerPart }
  /** It may have arrived. `because` is a sentence for the log. */
  | { outcome: 'unknown'; because: string }
  /** It certainly did not. */
  | { outcome: 'unsent'; because: string; retryInMs?: number }

export interface Client {
  /** What it can be ordered and asked. */
  orders: ReadonlySet<Order['call']>
  questions: ReadonlySet<Question['call']>
  /** Its answers tell of fees and reasons, which its callbacks leave out. */
  explains?: true
  /** For how long money is set aside, where an order to pay has to be preceded by that. */
  reservationMs?: number
  order(order: Order, signal?: AbortSignal): Promise<CallResult>
  ask(question: Question, signal?: AbortSignal): Promise<CallResult>
  /** What the account holds at the provider; undefined where there is no answer. */
  balance?(signal?: AbortSignal): Promise<Balance | undefined>
}

/** Decimal strings as the provider writes them, exact. */
export interface Balance {
  available: string
  reserved?: string
  outstanding?: string
  currency: string
}

/** One request as a client wants it made; `outbound/calls.ts` makes it within all limits. */
export interface CallRequest {
  method: 'GET' | 'POST'
  /** With its query, encoded as it is sent. */
  path: string
  /** The very bytes that are sent and signed. */
  body?: string | undefined
  /** Made anew for each attempt: they carry times and nonces. */
  headers(): Record<string, string>
  /** The same again does no harm, so a failed attempt may be repeated at once. */
  repeatable: boolean
  /** Which of the provider's limits it counts against; see `RateLimit`. */
  bucket: string
  /** Of orders: nothing may be sent later than this. A process that slept must not wake up and pay. */
  notAfter?: number | undefined
}

export type Exchange =
  | {
      outcome: 'answered'
      status: number
      header(name: string): string | undefined
      body: Buffer
      /** To a repeat: an earlier attempt of the same call may have arrived, and was not answered. */
      again?: true
    }
  | { outcome: 'unsent'; because: string; retryInMs?: number }
  | { outcome: 'unknown'; because: string }

export type Call = (request: CallRequest, signal?: AbortSignal) => Promise<Exchange>

/** Where an account's provider is, and how much it takes. */
export interface Endpoint {
  account: string
  /** An origin. */
  baseUrl: string
  /** Another one of the same provider, for when the first does not answer. */
  spareUrl?: string | undefined
  limits: readonly RateLimit[]
  timeoutMs: number
}

export type ConnectTo = (endpoint: Endpoint) => Call

/** At most so many in such a time, all processes together. */
export interface RateLimit {
  bucket: string
  count: number
  perMs: number
}
