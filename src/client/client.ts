/** The API with its types: one object for a program's whole life. */
import { type CallOptions, createCalls } from './calls.ts'
import { createIntentCalls } from './intent-calls.ts'
import { readStream, type StreamItem, type StreamOptions } from './stream.ts'
import { createSubscriptionCalls } from './subscription-calls.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import type { EventFilter, EventsPage, EventsRequest, LogHead } from './types/requests.ts'

export type TallyhookClient = ReturnType<typeof createTallyhookClient>

export interface StreamRequest extends EventFilter, StreamOptions, CallOptions {
  after?: string | undefined
}

export function createTallyhookClient(options: TransportOptions) {
  const transport = createTransport(options)
  const calls = createCalls(transport)

  /** One connection, which throws when it breaks: `followEvents` is what goes on. */
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
      /** A page of the log, oldest first; `next` is `after` of the next one. */
      page: ({ after, limit, wait, ...filter }: EventsRequest = {}, { signal }: CallOptions = {}) =>
        transport.call<EventsPage>({
          method: 'GET',
          path: '/events',
          query: { ...describeFilter(filter), after, limit, wait },
          idempotent: true,
          waitMs: (wait ?? 0) * 1000,
          signal,
        }),
      /** How much there is, by partition. */
      head: (options?: CallOptions) => calls.get<LogHead>('/events/head', {}, options),
      stream,
    },
  }
}

function describeFilter({ types, account, subject }: EventFilter) {
  return { types: types && types.length > 0 ? types.join(',') : undefined, account, subject }
}
