/** One event and one subscription: what was tried, how it stands, and where it lies. */
import type { EventId, RunId, SubjectId } from '../domain/ids.ts'
import type { Subscription } from '../domain/subscription.ts'
import type { NotedDelivery } from './codec/deliveries.ts'
import type { DeliveryHistory } from './delivery-history.ts'
import { isRunning, type Replays } from './replays.ts'
import type { FoundWaiting, WaitingDeliveries } from './waiting-deliveries.ts'

export const deliveryStatuses = ['delivered', 'failing', 'waiting', 'skipped'] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

export interface FoundDelivery {
  event: EventId
  subject: SubjectId
  type: string
  status: DeliveryStatus
  position: string
  /** Oldest first. */
  attempts: NotedDelivery[]
  /** Missing where it waits no more. */
  waiting?: FoundWaiting
}

export interface FindDeliveryDeps {
  history: Pick<DeliveryHistory, 'attemptsOf'>
  waiting: Pick<WaitingDeliveries, 'find'>
  replays: Pick<Replays, 'list'>
}

/** Undefined where nothing is known: it was not tried yet, is not taken, or the history reaches less far back. */
export type FindDelivery = (
  subscription: Pick<Subscription, 'id' | 'live'>,
  asked: { id: EventId; subject: SubjectId },
) => Promise<FoundDelivery | undefined>

export function createFindDelivery({ history, waiting, replays }: FindDeliveryDeps): FindDelivery {
  return async (subscription, { id: event, subject }) => {
    // The lines first: what is delivered meanwhile is found in the history then, and not in neither.
    const found = await waiting.find(await runsOf(subscription, replays), subject, event)
    const attempts = await history.attemptsOf(subscription.id, event, subject)
    const last = attempts.at(-1)
    const known = found?.event ?? last
    if (!known) return undefined
    return {
      event,
      subject,
      type: known.type,
      status: found?.status ?? statusOf(last),
      position: known.position,
      attempts,
      ...(found && { waiting: found }),
    }
  }
}

/** The one that follows the log, and the replays that have not ended. */
export async function runsOf(
  { id, live }: Pick<Subscription, 'id' | 'live'>,
  replays: Pick<Replays, 'list'>,
): Promise<RunId[]> {
  return [live.run, ...(await replays.list(id)).filter(isRunning).map((replay) => replay.id)]
}

/** One that failed and waits in no line is just being settled. */
function statusOf(last: NotedDelivery | undefined): DeliveryStatus {
  if (!last) return 'waiting'
  return last.outcome === 'failed' ? 'failing' : last.outcome
}
