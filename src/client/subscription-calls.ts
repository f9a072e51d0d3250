/** Pushes to a URL. What makes something new each time (a subscription, a secret, a replay) is never tried again. */
import { type CallOptions, type Calls, pathOf } from './calls.ts'
import type { Page, Paging } from './types/requests.ts'
import type {
  CreatedSubscription,
  DeliveriesRequest,
  Delivery,
  EventDelivery,
  NewSubscription,
  Replay,
  ReplayCount,
  ReplayRequest,
  Resent,
  RotatedSubscription,
  ShownSubscription,
  SubscriptionChange,
  TestResult,
} from './types/subscriptions.ts'

export type SubscriptionCalls = ReturnType<typeof createSubscriptionCalls>

export function createSubscriptionCalls(calls: Calls) {
  const at = (id: string, ...rest: string[]) => pathOf('subscriptions', id, ...rest)
  return {
    /** The secret is shown by this answer alone. */
    create: (content: NewSubscription, options?: CallOptions) =>
      calls.post<CreatedSubscription>('/subscriptions', content, options),
    get: (id: string, options?: CallOptions) => calls.get<ShownSubscription>(at(id), {}, options),
    list: (query: Paging = {}, options?: CallOptions) =>
      calls.get<Page<ShownSubscription>>('/subscriptions', query, options),
    update: (id: string, change: SubscriptionChange, options?: CallOptions) =>
      calls.patch<ShownSubscription>(at(id), change, options),
    delete: (id: string, options?: CallOptions) => calls.delete(at(id), options),
    /** The old secret signs too for `overlapHours` (24). With a secret of your own it may be repeated. */
    rotate: (id: string, body: { overlapHours?: number; secret?: string } = {}, options?: CallOptions) =>
      calls[body.secret === undefined ? 'post' : 'put']<RotatedSubscription>(at(id, 'rotate'), body, options),
    test: (id: string, options?: CallOptions) => calls.post<TestResult>(at(id, 'test'), {}, options),
    deliveries: (id: string, query: DeliveriesRequest = {}, options?: CallOptions) =>
      calls.get<Page<Delivery>>(at(id, 'deliveries'), query, options),
    /** With every attempt that is known. */
    delivery: (id: string, event: string, options?: CallOptions) =>
      calls.get<EventDelivery>(at(id, 'deliveries', event), {}, options),
    resend: (id: string, event: string, options?: CallOptions) =>
      calls.post<Resent>(at(id, 'deliveries', event, 'resend'), {}, options),
    /** How many events it would send; nothing is sent. */
    countReplay: (id: string, stretch: ReplayRequest, options?: CallOptions) =>
      calls.put<ReplayCount>(at(id, 'replay'), { ...stretch, dryRun: true }, options),
    replay: (id: string, stretch: ReplayRequest, options?: CallOptions) =>
      calls.post<Replay>(at(id, 'replay'), stretch, options),
    getReplay: (id: string, replay: string, options?: CallOptions) =>
      calls.get<Replay>(at(id, 'replays', replay), {}, options),
    replays: (id: string, options?: CallOptions) => calls.get<Page<Replay>>(at(id, 'replays'), {}, options),
    cancelReplay: (id: string, replay: string, options?: CallOptions) =>
      calls.put<Replay>(at(id, 'replays', replay, 'cancel'), {}, options),
  }
}
