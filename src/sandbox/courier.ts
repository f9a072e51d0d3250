/** Carries a make-believe provider's callbacks to the merchant, later and again, until it is stopped. */

import { anySignal } from '../telemetry/any-signal.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { SignedCallback } from './signed-callback.ts'

export interface CourierDeps {
  /** Where the merchant registered to be called. */
  callbackUrl: string
  /** Switched off, callbacks are lost: the merchant has to ask. */
  callbacksOn: () => boolean
  /** How long it waits before it calls again; then it gives up. */
  retryMs: readonly number[]
  timeoutMs: number
  /** Which answers it calls again after; unless it is said otherwise, a 5xx and none at all. */
  isTaken?: ((status: number) => boolean) | undefined
  fetch: typeof fetch
  logger: Logger
}

/** Signed anew for each attempt. */
type MakeCallback = () => SignedCallback | Promise<SignedCallback>

export interface Courier {
  later(ms: number, work: () => unknown): void
  /** The answer to the first attempt; undefined where there was none. */
  deliver(make: MakeCallback): Promise<number | undefined>
  /** How much it is still to do. */
  pending(): number
  stop(): void
}

export function createCourier(deps: CourierDeps): Courier {
  const { isTaken = (status) => status < 500 } = deps
  const timers = new Set<NodeJS.Timeout>()
  const stopped = new AbortController()
  let running = 0

  function later(ms: number, work: () => unknown): void {
    if (stopped.signal.aborted) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      void run(work)
    }, ms)
    timers.add(timer)
  }

  async function run(work: () => unknown): Promise<void> {
    running += 1
    try {
      await work()
    } catch (error) {
      if (!stopped.signal.aborted) deps.logger.warn('sandbox.broke', { error })
    }
    running -= 1
  }

  async function deliver(make: MakeCallback, attempt = 0): Promise<number | undefined> {
    if (stopped.signal.aborted || !deps.callbacksOn()) return undefined
    const status = await post(await make())
    deps.logger.debug('sandbox.called-back', { status, attempt })
    const again = deps.retryMs[attempt]
    const taken = status !== undefined && isTaken(status)
    if (!taken && again !== undefined) later(again, () => deliver(make, attempt + 1))
    return status
  }

  async function post({ headers, body }: SignedCallback): Promise<number | undefined> {
    const signal = anySignal(AbortSignal.timeout(deps.timeoutMs), stopped.signal)
    try {
      const answer = await deps.fetch(deps.callbackUrl, { method: 'POST', headers, body, signal })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return undefined
    }
  }

  return {
    later,
    deliver: (make) => deliver(make),
    pending: () => timers.size + running,
    stop() {
      stopped.abort()
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}
