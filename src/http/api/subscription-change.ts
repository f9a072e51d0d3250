/** A change, an enabling or a disabling, as one step with an event of each. */
import type { z } from 'zod'
import {
  changeSubscription,
  disableSubscription,
  type SubscriptionStep,
} from '../../domain/decide-subscription.ts'
import type { IdMaker, RunId } from '../../domain/ids.ts'
import type { Positions, Subscription } from '../../domain/subscription.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { createEnabling } from './subscription-enabling.ts'
import type { changeSubscriptionSchema } from './subscription-request.ts'

export interface SubscriptionChangeDeps {
  subscriptions: Pick<Subscriptions, 'change'>
  /** Where the log ends, and where a subscription's live run stands: all before it was dealt with. */
  newest(): Promise<Positions>
  stoodAt(subscription: Subscription): Promise<Positions>
  /** It was enabled, or goes elsewhere: what its endpoint failed of before counts no more, and its run is looked at now. */
  beganAnew(subscription: Subscription): Promise<void>
  /** What waited in lines of the run that was followed by another is noted as skipped. */
  passedOver(run: RunId, after: Subscription): Promise<void>
  /** Nothing is sent to it any more: its replays end. */
  stopped(subscription: Subscription): Promise<void>
  ids: Pick<IdMaker, 'runId'>
  clock: () => number
  logger: Logger
}

export type AskedChange = z.output<ReturnType<typeof changeSubscriptionSchema>>
type Decide = (before: Subscription) => SubscriptionStep | undefined

/** Undefined where it was deleted meanwhile. */
export function createSubscriptionChange(deps: SubscriptionChangeDeps) {
  const { subscriptions, clock, logger } = deps
  const enabling = createEnabling(deps)

  return async (found: Subscription, asked: AskedChange, by: string): Promise<Subscription | undefined> => {
    const { enabled, missed = 'skip', reason } = asked
    const enable = await enabling.prepare(found, enabled === true ? missed : undefined)
    const because = { source: 'operator', by, ...(reason !== undefined && { reason }) } as const
    const changed = await subscriptions.change(found.id, because, (before) => {
      const at = clock()
      return follow(before, [
        (one) => changeSubscription(one, asked, at),
        (one) => enable(one, at),
        (one) =>
          enabled === false ? disableSubscription(one, { because: 'by-person', by, reason }, at) : undefined,
      ])
    })
    if (!changed) return undefined
    const names = changed.facts.map(({ name }) => name)
    for (const name of names) logger.info(`subscription.${name}`, { subscription: found.id, principal: by })
    if (names.includes('enabled') || changed.after.url !== found.url) await deps.beganAnew(changed.after)
    if (changed.after.live.run !== found.live.run) {
      // Not done, or not done whole, it is found later; the subscription is enabled all the same.
      await deps
        .passedOver(found.live.run, changed.after)
        .catch((error) => logger.warn('subscription.lines-left', { subscription: found.id, error }))
    }
    if (names.includes('disabled')) await deps.stopped(changed.after)
    return changed.after
  }
}

/** Each on what the one before it left; those that change nothing are no steps. */
function follow(before: Subscription, decisions: readonly Decide[]): SubscriptionStep[] {
  const steps: SubscriptionStep[] = []
  for (const decide of decisions) {
    const step = decide(steps.at(-1)?.after ?? before)
    if (step) steps.push(step)
  }
  return steps
}
