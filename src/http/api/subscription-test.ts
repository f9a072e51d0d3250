/** Sends one event at once, past the log, and tells what came of it. Its failure counts for nothing. */
import { AppError } from '../../domain/errors.ts'
import type { IdMaker } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import { makeTestEvent } from '../../events/test-event.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import { anySignal } from '../../telemetry/any-signal.ts'
import type { Logger } from '../../telemetry/logger.ts'

export type SendTest = (
  endpoint: { url: string; secrets: readonly string[] },
  event: { id: string; json: string },
  signal: AbortSignal,
) => Promise<
  | {
      outcome: 'taken' | 'failed'
      attempt: { tookMs: number; status?: number; error?: string; excerpt?: string }
    }
  | { outcome: 'given-up' }
>

export interface SubscriptionTestDeps {
  subscriptions: Pick<Subscriptions, 'openSecrets'>
  send: SendTest
  stopping: AbortSignal
  ids: Pick<IdMaker, 'runId'>
  clock: () => number
  logger: Logger
}

export interface Tested {
  delivered: boolean
  status?: number
  error?: string
  latencyMs: number
  excerpt?: string
}

export function createSubscriptionTest(deps: SubscriptionTestDeps) {
  const { subscriptions, send, stopping, ids, clock, logger } = deps

  return async (subscription: Subscription, by: string, gone: AbortSignal): Promise<Tested> => {
    const endpoint = { url: subscription.url, secrets: subscriptions.openSecrets(subscription) }
    const event = makeTestEvent(subscription, { id: ids.runId(), by, at: clock() })
    const sent = await send(endpoint, event, anySignal(gone, stopping))
    if (sent.outcome === 'given-up') {
      throw new AppError('outbound-failed', { detail: 'The test was ended before there was an answer.' })
    }
    const { tookMs, status, error, excerpt } = sent.attempt
    const delivered = sent.outcome === 'taken'
    logger.info('subscription.tested', {
      subscription: subscription.id,
      principal: by,
      delivered,
      status,
      error,
    })
    return {
      delivered,
      ...(status !== undefined && { status }),
      ...(error !== undefined && { error }),
      latencyMs: Math.round(tookMs),
      ...(excerpt !== undefined && { excerpt }),
    }
  }
}
