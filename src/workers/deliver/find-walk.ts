/** What a run walks, and for whom; undefined where nothing is to be sent of it. */
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import { replayMatcherOf } from '../../domain/replay.ts'
import type { Replay } from '../../domain/subscription.ts'
import type { Replays } from '../../store/replays.ts'
import type { ActiveSubscription, SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { Walk } from './deps.ts'
import type { Endpoint } from './send.ts'

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
    const { live, sequence } = active.subscription
    const place = { run, partition }
    if (live.run === run) {
      const find = async () => {
        const now = await directory.find(subscription)
        return now?.subscription.live.run === run ? now : undefined
      }
      return {
        place,
        target: { subscription, endpoint: endpointOf(find) },
        isWanted: active.matches,
        isCurrent: async () => (await find())?.subscription.sequence === sequence,
        from: live.from[partition] ?? '0-0',
      }
    }
    const replay = await replays.find(subscription, run)
    if (!replay || replay.ended) return undefined
    const find = () => directory.find(subscription)
    return {
      place,
      target: { subscription, endpoint: endpointOf(find) },
      isWanted: replayMatcherOf(replay, active.subscription),
      async isCurrent() {
        const now = await replays.find(subscription, run)
        return now !== undefined && !now.ended && (await find())?.subscription.sequence === sequence
      },
      from: replay.from[partition] ?? '0-0',
      until: replay.until[partition] ?? '0-0',
      replay,
    }
  }
}

/** Found anew each time, since what stands in a line may be sent for long. The secrets are opened once for each reading. */
function endpointOf(find: () => Promise<ActiveSubscription | undefined>): Walk['target']['endpoint'] {
  let known: { of: ActiveSubscription; endpoint: Endpoint } | undefined
  return async () => {
    const active = await find()
    if (!active) return undefined
    if (known?.of !== active) known = { of: active, endpoint: active.endpoint() }
    return known.endpoint
  }
}
