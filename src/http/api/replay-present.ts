import { z } from 'zod'
import type { RunId } from '../../domain/ids.ts'
import type { Positions, Replay } from '../../domain/subscription.ts'
import { formatTime } from '../../domain/time.ts'
import { timeSchema } from '../../events/shared-resource.ts'

export const replaySchema = z.object({
  id: z.string(),
  subscription: z.string(),
  state: z.enum(['running', 'done', 'cancelled', 'disabled', 'deleted']),
  from: z
    .string()
    .meta({ description: 'A cursor, as those of `GET /v1/events`: what is behind it is sent.' }),
  until: z.string().meta({ description: 'A cursor: nothing behind it is sent.' }),
  types: z.array(z.string()).optional(),
  event: z.string().optional().meta({ description: 'Set where it is one event alone.' }),
  count: z.number().int().meta({ description: 'How many were counted when it was asked for.' }),
  atLeast: z.literal(true).optional().meta({ description: 'There were more; counting them was left off.' }),
  delivered: z.number().int(),
  skipped: z.number().int().meta({ description: 'That were given up.' }),
  waiting: z.number().int().meta({ description: 'Intents and cases whose events are tried again.' }),
  createdAt: timeSchema,
  createdBy: z.string(),
  endedAt: timeSchema.optional(),
})
export type ReplayResource = z.infer<typeof replaySchema>

export type ShowReplay = (replay: Replay) => Promise<ReplayResource>

export interface ShowReplayDeps {
  progressOf(run: RunId): Promise<readonly { delivered: number; skipped: number; waiting: number }[]>
  encodeCursor(positions: Positions): string
}

export function createShowReplay({ progressOf, encodeCursor }: ShowReplayDeps): ShowReplay {
  return async (replay) => {
    const { id, subscription, from, until, types, event, count, atLeast, by, at, ended } = replay
    return {
      id,
      subscription,
      state: ended?.because ?? 'running',
      from: encodeCursor(from),
      until: encodeCursor(until),
      types: types && [...types],
      event,
      count,
      atLeast,
      ...(await readProgress(replay, progressOf)),
      createdAt: formatTime(at),
      createdBy: by,
      endedAt: ended && formatTime(ended.at),
    }
  }
}

/** Of one that has ended it is kept for as long as the replay is. */
async function readProgress({ id }: Replay, progressOf: ShowReplayDeps['progressOf']) {
  const progress = await progressOf(id)
  const sum = (of: 'delivered' | 'skipped' | 'waiting') => progress.reduce((total, one) => total + one[of], 0)
  return { delivered: sum('delivered'), skipped: sum('skipped'), waiting: sum('waiting') }
}
