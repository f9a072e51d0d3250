/** The API with its types: one object for a program's whole life. */
import { type CallOptions, createCalls } from './calls.ts'
import { createIntentCalls, type IntentCalls } from './intent-calls.ts'
import { readStream, type StreamItem, type StreamOptions } from './stream.ts'
import { createSubscriptionCalls, type SubscriptionCalls } from './subscription-calls.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import type { EventFilter, EventsPage, EventsRequest, LogHead } from './types/requests.ts'

export interface StreamRequest extends EventFilter, StreamOptions, CallOptions {
  after?: string | undefined
}

export interface EventCalls {
  /** A page of the log, oldest first; `next` is `after` of the next one. */
  page(request?: EventsRequest, options?: CallOptions): Promise<EventsPage>
  /** Where the log ends: how many events there were, by partition, and the last of them. */
  head(options?: CallOptions): Promise<LogHead>
  /** One connection, which throws when it breaks: `followEvents` is what goes on. */
  stream(request?: StreamRequest): AsyncGenerator<StreamItem>
}

export interface TallyhookClient extends IntentCalls {
  subscriptions: SubscriptionCalls
  events: EventCalls
}

export function createTallyhookClient(options: TransportOptions): TallyhookClient {
  const transport = createTransport(options)
  const calls = createCalls(transport)

  async function* stream(request: StreamRequest = {}): AsyncGenerator<StreamItem> {
    const { after, signal, silenceMs, maxLength, onRetry, ...filter } = request
    const opened = await transport.open({
      method: 'GET',
      path: '/events/stream',
      query: describeFilter(filter),
      headers: { accept: 'text/event-stream', ...(after !== undefined && { 'last-event-id': after }) },
      idempotent: true,
      signal,
    })
    yield* readStream(opened, { silenceMs, maxLength, onRetry })
  }

  return {
    ...createIntentCalls(calls),
    subscriptions: createSubscriptionCalls(calls),
    events: {
      page: ({ after, limit, wait, ...filter }: EventsRequest = {}, { signal }: CallOptions = {}) =>
        transport.call<EventsPage>({
          method: 'GET',
          path: '/events',
          query: { ...describeFilter(filter), after, limit, wait },
          idempotent: true,
          waitMs: (wait ?? 0) * 1000,
          signal,
        }),
      head: (options?: CallOptions) => calls.get<LogHead>('/events/head', {}, options),
      stream,
    },
  }
}

function describeFilter({ types, account, subject }: EventFilter) {
  return { types: types && types.length > 0 ? types.join(',') : undefined, account, subject }
}
