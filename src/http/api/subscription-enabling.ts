/** What enabling a subscription needs to know before it can be decided: where the log ends, and where it stood. */
import { type Enabling, enableSubscription, type SubscriptionStep } from '../../domain/decide-subscription.ts'
import { AppError } from '../../domain/errors.ts'
import type { IdMaker } from '../../domain/ids.ts'
import type { Positions, Subscription } from '../../domain/subscription.ts'

export interface EnablingDeps {
  newest(): Promise<Positions>
  stoodAt(subscription: Subscription): Promise<Positions>
  ids: Pick<IdMaker, 'runId'>
}

type Enable = (before: Subscription, at: number) => SubscriptionStep | undefined

export function createEnabling({ newest, stoodAt, ids }: EnablingDeps) {
  async function describe(found: Subscription, missed: 'skip' | 'send'): Promise<Enabling> {
    if (missed === 'send') return { missed }
    const [from, stood] = await Promise.all([newest(), stoodAt(found)])
    return { missed, live: { run: ids.runId(), from }, stood }
  }

  return {
    /** `missed` undefined: it is not to be enabled. */
    async prepare(found: Subscription, missed: 'skip' | 'send' | undefined): Promise<Enable> {
      if (missed === undefined) return () => undefined
      const enabling = found.disabled && (await describe(found, missed))
      return (before, at) => {
        if (!before.disabled) return undefined
        // Disabled, or enabled and disabled again, since it was read: what was prepared is of another time.
        if (!enabling || before.live.run !== found.live.run) {
          throw new AppError('commit-contended', { detail: 'The subscription was changed at this moment.' })
        }
        return enableSubscription(before, enabling, at)
      }
    },
  }
}
