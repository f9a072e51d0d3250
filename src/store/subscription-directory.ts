/**
 * The subscriptions as those read them who match and deliver: looked up once a second and not for each event. So what
 * was changed is heeded after a second at most, in every process; until then an endpoint may be sent what it was to get
 * before. Where the reading fails, it throws: nobody delivers by what may long be otherwise.
 *
 * Of what a run left in the other partitions a sweep may let go when no subscription has it. It has to read which runs
 * have left something first and to ask for `fresh` then: a subscription is written before its run leaves anything.
 */
import type { SubscriptionId } from '../domain/ids.ts'
import type { Subscription } from '../domain/subscription.ts'
import { type Matcher, matcherOf } from '../domain/subscription-match.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface ActiveSubscription {
  id: SubscriptionId
  subscription: Subscription
  matches: Matcher
  /** Where it goes and what signs it at this moment, the current secret first. */
  endpoint(): { url: string; secrets: readonly string[] }
}

export interface SubscriptionDirectory {
  /** To which something is sent. */
  enabled(): Promise<readonly ActiveSubscription[]>
  /** Only where it is enabled. */
  find(id: SubscriptionId): Promise<ActiveSubscription | undefined>
  /** The disabled ones too. */
  all(): Promise<readonly Subscription[]>
  /** Read anew, for this and for everybody after it. */
  fresh(): Promise<readonly Subscription[]>
}

export interface SubscriptionDirectoryDeps {
  list: Subscriptions['list']
  openSecrets: Subscriptions['openSecrets']
  clock: () => number
  logger: Logger
  refreshMs?: number
}

interface Snapshot {
  at: number
  all: readonly Subscription[]
  active: ReadonlyMap<SubscriptionId, ActiveSubscription>
}

export function createSubscriptionDirectory({
  list,
  openSecrets,
  clock,
  logger,
  refreshMs = 1_000,
}: SubscriptionDirectoryDeps): SubscriptionDirectory {
  let known: Snapshot | undefined
  let reading: Promise<Snapshot> | undefined
  /** One that cannot be opened is said once for each of its changes. */
  const unreadable = new Map<SubscriptionId, number>()

  async function read(): Promise<Snapshot> {
    const at = clock()
    const all = await list()
    const active = all.flatMap((one) => (one.disabled ? [] : describe(one)))
    known = { at, all, active: new Map(active.map((one) => [one.id, one])) }
    return known
  }

  /** One that cannot be opened is not delivered to, and stops none of the others. */
  function describe(subscription: Subscription): ActiveSubscription[] {
    const { id, url, sequence } = subscription
    try {
      openSecrets(subscription)
    } catch (error) {
      if (unreadable.get(id) !== sequence)
        logger.error('subscription.unreadable', { subscription: id, error })
      unreadable.set(id, sequence)
      return []
    }
    // Opened for each use and not once: one whose time is over is not signed with.
    const endpoint = () => ({ url, secrets: openSecrets(subscription) })
    return [{ id, subscription, matches: matcherOf(subscription), endpoint }]
  }

  /** Whoever comes while it is being read waits for that reading. */
  function refresh(): Promise<Snapshot> {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function current(): Promise<Snapshot> {
    return known && Math.abs(clock() - known.at) < refreshMs ? known : refresh()
  }

  return {
    enabled: async () => [...(await current()).active.values()],
    find: async (id) => (await current()).active.get(id),
    all: async () => (await current()).all,
    async fresh() {
      // One that was under way may have begun before what the caller knows of.
      await reading?.catch(() => undefined)
      return (await refresh()).all
    },
  }
}
