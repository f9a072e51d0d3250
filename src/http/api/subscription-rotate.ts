/** Gives a subscription another signing secret. */
import type { z } from 'zod'
import { rotateSecret, shortenOverlap } from '../../domain/decide-subscription.ts'
import { AppError } from '../../domain/errors.ts'
import type { SubscriptionId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { makeSecret, overlapHoursDefault, type rotateSchema } from './subscription-request.ts'

export interface SubscriptionRotateDeps {
  subscriptions: Pick<Subscriptions, 'change' | 'sealSecret' | 'openSecrets'>
  randomBytes(count: number): Uint8Array
  clock: () => number
  logger: Logger
}

export interface Rotated {
  after: Subscription
  secret: string
  /** Until when those before it sign too; missing where none does. */
  overlapUntil: number | undefined
}

const hourMs = 3_600_000

/** Undefined where there is no such subscription. */
export function createSubscriptionRotate(deps: SubscriptionRotateDeps) {
  const { subscriptions, randomBytes, clock, logger } = deps

  return async (
    id: SubscriptionId,
    asked: z.output<typeof rotateSchema>,
    by: string,
  ): Promise<Rotated | undefined> => {
    const { secret = makeSecret(randomBytes), overlapHours = overlapHoursDefault } = asked
    const sealed = subscriptions.sealSecret(id, secret)
    const because = { source: 'operator', by, reason: 'secret-rotated' } as const
    const changed = await subscriptions.change(id, because, (before) => {
      const [current, ...older] = subscriptions.openSecrets(before)
      const overlapMs = overlapHours * hourMs
      if (secret === current) {
        // The same call again, whose answer was lost; or one that wants the older ones to end sooner.
        const shorter = shortenOverlap(before, overlapMs, clock())
        return shorter ? [shorter] : []
      }
      if (older.includes(secret)) throw secretInUse()
      return [rotateSecret(before, { sealed, overlapMs }, clock())]
    })
    if (!changed) return undefined
    if (changed.facts.length > 0) logger.info('subscription.rotated', { subscription: id, principal: by })
    const until = Math.max(...changed.after.secrets.map((one) => one.until ?? 0))
    return { after: changed.after, secret, overlapUntil: until > clock() ? until : undefined }
  }
}

function secretInUse(): AppError {
  const message = 'It was rotated away and still signs.'
  return new AppError('invalid-request', {
    detail: message,
    errors: [{ path: 'secret', code: 'secret-in-use', message }],
  })
}
