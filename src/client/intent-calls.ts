/** What is about money: registrations are idempotent on (account, reference), so their answers may be lost. */
import { type CallOptions, type Calls, pathOf } from './calls.ts'
import type {
  ByReference,
  CasesRequest,
  MembersRequest,
  NewBatch,
  NewCoupon,
  NewTransfer,
  Page,
  Paging,
  Resolution,
} from './types/requests.ts'
import type { Batch, Case, Collection, Coupon, Transfer } from './types/resources.ts'
import type { Timeline } from './types/timeline.ts'

export type IntentCalls = ReturnType<typeof createIntentCalls>

export function createIntentCalls(calls: Calls) {
  /** The same of transfers, batches and coupons. */
  function common<T, New>(noun: 'transfers' | 'batches' | 'coupons') {
    return {
      /** The same content under the same reference gives what is there; other content is refused as `reference-conflict`. */
      create: (content: New, options?: CallOptions) => calls.put<T>(pathOf(noun), content, options),
      get: (id: string, options?: CallOptions) => calls.get<T>(pathOf(noun, id), {}, options),
      list: (query: ByReference, options?: CallOptions) => calls.get<Page<T>>(pathOf(noun), query, options),
      /** By your own reference; undefined where there is none. */
      async find(account: string, reference: string, options?: CallOptions): Promise<T | undefined> {
        return (await calls.get<Page<T>>(pathOf(noun), { account, reference }, options)).items[0]
      },
      timeline: (id: string, options?: CallOptions) =>
        calls.get<Timeline>(pathOf(noun, id, 'timeline'), {}, options),
      /** Has the provider asked about it, before everything else. */
      query: (id: string, options?: CallOptions) => calls.put<T>(pathOf(noun, id, 'query'), {}, options),
    }
  }

  return {
    transfers: {
      ...common<Transfer, NewTransfer>('transfers'),
      /** Sent once, however often it is said. */
      submit: (id: string, { force, ...options }: CallOptions & { force?: boolean } = {}) =>
        calls.put<Transfer>(pathOf('transfers', id, 'submit'), { force }, options),
      cancel: (id: string, { reason, ...options }: CallOptions & { reason?: string } = {}) =>
        calls.put<Transfer>(pathOf('transfers', id, 'cancel'), { reason }, options),
      /** By the beneficiary's account number, newest first. */
      search: (query: { accountNumber: string; account?: string } & Paging, options?: CallOptions) =>
        calls.put<Page<Transfer>>(pathOf('transfers', 'search'), query, options),
    },
    batches: {
      ...common<Batch, NewBatch>('batches'),
      submit: (id: string, options?: CallOptions) =>
        calls.put<Batch>(pathOf('batches', id, 'submit'), {}, options),
      /** In the order of the request. */
      transfers: (id: string, query: MembersRequest = {}, options?: CallOptions) =>
        calls.get<Page<Transfer>>(pathOf('batches', id, 'transfers'), query, options),
    },
    coupons: {
      ...common<Coupon, NewCoupon>('coupons'),
      submit: (id: string, options?: CallOptions) =>
        calls.put<Coupon>(pathOf('coupons', id, 'submit'), {}, options),
    },
    collections: {
      get: (id: string, options?: CallOptions) =>
        calls.get<Collection>(pathOf('collections', id), {}, options),
      list: (query: ByReference & Paging, options?: CallOptions) =>
        calls.get<Page<Collection>>('/collections', query, options),
      timeline: (id: string, options?: CallOptions) =>
        calls.get<Timeline>(pathOf('collections', id, 'timeline'), {}, options),
    },
    cases: {
      list: (query: CasesRequest = {}, options?: CallOptions) =>
        calls.get<Page<Case>>('/cases', query, options),
      get: (id: string, options?: CallOptions) => calls.get<Case>(pathOf('cases', id), {}, options),
      /** The same words again answer the same; others are refused as `case-resolved`. */
      resolve: (id: string, resolution: Resolution, options?: CallOptions) =>
        calls.put<Case>(pathOf('cases', id, 'resolve'), resolution, options),
    },
  }
}
