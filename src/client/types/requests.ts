/** What the API takes, and the answers that are no resource. */
import type { TallyhookEvent } from './events.ts'
import type {
  BankBeneficiary,
  CaseState,
  Money,
  ResolutionAction,
  TransferState,
  WechatpayBeneficiary,
} from './resources.ts'

export interface Page<T> {
  items: T[]
  /** `after` of the next page; null on the last. */
  next: string | null
}

export interface Paging {
  after?: string
  limit?: number
}

export interface NewTransfer {
  account: string
  /** Yours, unique in the account. */
  reference: string
  amount: Money
  beneficiary: BankBeneficiary | WechatpayBeneficiary
  providerReference?: string
  /** The id of a batch that it joins. */
  batch?: string
  remark?: string
  metadata?: Record<string, string>
  /** Sent to the provider at once. */
  submit?: boolean
  /** Beside `submit`: paid though the bank has another name for the account, or none. */
  force?: boolean
}

export interface NewBatch {
  account: string
  reference: string
  name: string
  remark: string
  transfers: {
    reference: string
    amount: Money
    beneficiary: BankBeneficiary | WechatpayBeneficiary
    remark?: string
  }[]
  /** What you think they come to; compared and not kept. */
  total?: { count?: number; amount?: Money }
  submit?: boolean
  wechatpay?: {
    authorizationType:
      | 'INFORMATION_AUTHORIZATION_TYPE'
      | 'FUND_AUTHORIZATION_TYPE'
      | 'INFORMATION_AND_FUND_AUTHORIZATION_TYPE'
    subMchid: string
    subAppid?: string
    spAppid?: string
    purpose?: 'GOODSPAYMENT' | 'COMMISSION' | 'REFUND' | 'REIMBURSEMENT' | 'FREIGHT' | 'OTHERS'
    scene?: 'ORDINARY_TRANSFER' | 'PAYROLL_CARD_TRANSFER'
  }
}

export interface NewCoupon {
  account: string
  reference: string
  stockId: string
  openid: string
  appid: string
  amount?: Money
  name: string
  idCard: string
  providerReference?: string
  submit?: boolean
}

export interface ByReference {
  account: string
  reference: string
}

export interface MembersRequest extends Paging {
  state?: TransferState
}

export interface CasesRequest extends Paging {
  account?: string
  state?: CaseState
}

export interface Resolution {
  /** One line, stored and shown as it is: no personal data. */
  reason: string
  /** Required of what is held. */
  action?: ResolutionAction
  receipt?: string
}

export interface EventFilter {
  /** Full types, or groups as `tallyhook.transfer.*`. With single types the numbers of one subject have gaps. */
  types?: readonly string[]
  account?: string
  subject?: string
}

export interface EventsRequest extends EventFilter {
  after?: string
  limit?: number
  /** Seconds to wait for something when there is nothing, up to 60. */
  wait?: number
}

export interface EventsPage {
  events: TallyhookEvent[]
  next: string
}

/** Where the log ends: what a reader that has it all must have counted. */
export interface LogHead {
  /** Of the log: another after it was lost. */
  epoch: string
  /** Behind all that is counted here. */
  cursor: string
  partitions: {
    partition: number
    /** How many events were ever written; null where it is not known. */
    count: number | null
    lastId: string | null
    lastAt: string | null
  }[]
}
