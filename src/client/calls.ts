/** How a request is made of a path and what it takes. */
import type { Call, Transport } from './transport.ts'

export interface CallOptions {
  signal?: AbortSignal | undefined
}

type Query = NonNullable<Call['query']>

export type Calls = ReturnType<typeof createCalls>

export function createCalls(transport: Pick<Transport, 'call'>) {
  return {
    get: <T>(path: string, query: object = {}, { signal }: CallOptions = {}) =>
      transport.call<T>({ method: 'GET', path, query: query as Query, idempotent: true, signal }),

    /** Made twice it does what it does made once. */
    put: <T>(path: string, body: unknown = {}, { signal }: CallOptions = {}) =>
      transport.call<T>({ method: 'POST', path, body, idempotent: true, signal }),

    /** Made twice it may be done twice: never tried again. */
    post: <T>(path: string, body: unknown = {}, { signal }: CallOptions = {}) =>
      transport.call<T>({ method: 'POST', path, body, idempotent: false, signal }),

    /** The second may undo what somebody else changed between: never tried again. */
    patch: <T>(path: string, body: unknown, { signal }: CallOptions = {}) =>
      transport.call<T>({ method: 'PATCH', path, body, idempotent: false, signal }),

    delete: (path: string, { signal }: CallOptions = {}) =>
      transport.call<void>({ method: 'DELETE', path, idempotent: true, signal }),
  }
}

/** `/transfers/tr-1/submit`; what stands in a path cannot leave its place in it. */
export function pathOf(...parts: [string, ...string[]]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('')
}
