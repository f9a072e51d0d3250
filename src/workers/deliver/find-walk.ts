/** What a run walks, and for whom; undefined where nothing is to be sent of it. */
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import { replayMatcherOf } from '../../domain/replay.ts'
import type { Replay } from '../../domain/subscription.ts'
import type { Replays } from '../../store/replays.ts'
import type { ActiveSubscription, SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { Walk } from './deps.ts'

export interface FindWalkDeps {
  directory: Pick<SubscriptionDirectory, 'find'>
  replays: Pick<Replays, 'find'>
}

export type FoundWalk = Walk & { replay?: Replay }

export type FindWalk = (place: {
  run: RunId
  subscription: SubscriptionId
  partition: number
}) => Promise<FoundWalk | undefined>

export function createFindWalk({ directory, replays }: FindWalkDeps): FindWalk {
  return async ({ run, subscription, partition }) => {
    const active = await directory.find(subscription)
    if (!active) return undefined
    const { live } = active.subscription
    const target = { subscription, endpoint: endpointOf(active) }
    const place = { run, partition }
    if (live.run === run) {
      return { place, target, isWanted: active.matches, from: live.from[partition] ?? '0-0' }
    }
    const replay = await replays.find(subscription, run)
    if (!replay || replay.ended) return undefined
    return {
      place,
      target,
      isWanted: replayMatcherOf(replay, active.subscription),
      from: replay.from[partition] ?? '0-0',
      until: replay.until[partition] ?? '0-0',
      replay,
    }
  }
}

/** Opened once for each turn, which is short. */
function endpointOf(active: ActiveSubscription): Walk['target']['endpoint'] {
  let endpoint: ReturnType<Walk['target']['endpoint']> | undefined
  return () => {
    endpoint ??= active.endpoint()
    return endpoint
  }
}
