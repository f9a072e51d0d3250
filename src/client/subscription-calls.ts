/** Pushes to a URL. What makes something new each time (a subscription, a secret, a replay) is never tried again. */
import { type CallOptions, type Calls, pathOf } from './calls.ts'
import type {
  DeliveriesRequest,
  Delivery,
  NewSubscription,
  Page,
  Replay,
  ReplayRequest,
  SubscriptionChange,
  SubscriptionWithHealth,
  TestResult,
  WithSecret,
} from './types/requests.ts'
import type { Subscription } from './types/resources.ts'

export function createSubscriptionCalls(calls: Calls) {
  const at = (id: string, ...rest: string[]) => pathOf('subscriptions', id, ...rest)
  return {
    /** The secret is shown by this answer alone. */
    create: (content: NewSubscription, options?: CallOptions) =>
      calls.post<Subscription & WithSecret>('/subscriptions', content, options),
    get: (id: string, options?: CallOptions) => calls.get<SubscriptionWithHealth>(at(id), {}, options),
    list: (options?: CallOptions) => calls.get<Page<SubscriptionWithHealth>>('/subscriptions', {}, options),
    update: (id: string, change: SubscriptionChange, options?: CallOptions) =>
      calls.patch<Subscription>(at(id), change, options),
    delete: (id: string, options?: CallOptions) => calls.delete(at(id), options),
    /** The old secret signs too for `overlapHours` (24). */
    rotate: (id: string, body: { overlapHours?: number; secret?: string } = {}, options?: CallOptions) =>
      calls.post<WithSecret>(at(id, 'rotate'), body, options),
    test: (id: string, options?: CallOptions) => calls.post<TestResult>(at(id, 'test'), {}, options),
    deliveries: (id: string, query: DeliveriesRequest = {}, options?: CallOptions) =>
      calls.get<Page<Delivery>>(at(id, 'deliveries'), query, options),
    delivery: (id: string, event: string, options?: CallOptions) =>
      calls.get<Delivery>(at(id, 'deliveries', event), {}, options),
    resend: (id: string, event: string, options?: CallOptions) =>
      calls.post<unknown>(at(id, 'deliveries', event, 'resend'), {}, options),
    /** How many events it would send; nothing is sent. */
    countReplay: (id: string, stretch: ReplayRequest, options?: CallOptions) =>
      calls.put<{ count: number }>(at(id, 'replay'), { ...stretch, dryRun: true }, options),
    replay: (id: string, stretch: ReplayRequest, options?: CallOptions) =>
      calls.post<Replay>(at(id, 'replay'), stretch, options),
    replays: (id: string, options?: CallOptions) => calls.get<Page<Replay>>(at(id, 'replays'), {}, options),
    cancelReplay: (id: string, replay: string, options?: CallOptions) =>
      calls.put<Replay>(at(id, 'replays', replay, 'cancel'), {}, options),
  }
}
