/** Which stretch of the log somebody asks for, and of what types. */
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { comparePositions } from '../../domain/position.ts'
import { clampRange, type ReplayRange, rangeOfMissed } from '../../domain/replay.ts'
import type { Missed, Positions, Subscription } from '../../domain/subscription.ts'
import { parseTime } from '../../domain/time.ts'
import { eventTypes, matchTypes } from '../../events/catalogue.ts'
import type { LogPlaces } from '../../store/log-places.ts'

const cursor = z.string().min(1).max(16_384)
const time = z
  .string()
  .refine((text) => parseTime(text) !== undefined, {
    params: { code: 'invalid-time' },
    message: 'It must be a time as 2027-01-10T00:00:00Z.',
  })
  .meta({ format: 'date-time' })

const typesMax = 100
const patternMax = Math.max(...eventTypes.map((type) => type.length))
const begins = ['after', 'since', 'missed'] as const

export const replayRequestSchema = z
  .strictObject({
    after: cursor.optional().meta({ description: 'A cursor: begins behind it.' }),
    since: time.optional().meta({ description: 'Begins with what was logged at this time.' }),
    missed: z
      .union([z.literal('all'), z.int().min(0)], {
        error: 'It must be "all" or a place in `missed`, from 0.',
      })
      .optional(),
    until: cursor.optional().meta({ description: 'A cursor: nothing behind it.' }),
    till: time.optional().meta({ description: 'Nothing that was logged after this time.' }),
    types: z
      .array(
        z
          .string()
          .max(patternMax)
          .refine((pattern) => matchTypes(pattern).length > 0, {
            params: { code: 'unknown-type' },
            message: 'No type of event is named so.',
          }),
      )
      .min(1)
      .max(typesMax)
      .optional()
      .meta({ description: 'Narrower than what the subscription takes.' }),
    dryRun: z.boolean().optional().meta({ description: 'Counts, and sends nothing.' }),
  })
  .refine((asked) => begins.filter((name) => asked[name] !== undefined).length === 1, {
    params: { code: 'one-of' },
    message: 'It needs one of after, since and missed.',
  })
  .refine(({ until, till }) => until === undefined || till === undefined, {
    path: ['till'],
    params: { code: 'one-of' },
    message: 'Either until or till.',
  })
  .refine(({ missed, until, till }) => missed === undefined || (until === undefined && till === undefined), {
    path: ['missed'],
    params: { code: 'one-of' },
    message: 'It has an end of its own: without until and till.',
  })
  .refine(({ since, till }) => (parseTime(since ?? '') ?? 0) <= (parseTime(till ?? '') ?? Infinity), {
    path: ['till'],
    params: { code: 'before-since' },
    message: 'It is before since.',
  })
export type ReplayRequest = z.output<typeof replayRequestSchema>

export interface RangeDeps {
  places: Pick<LogPlaces, 'before' | 'upTo'>
  /** Where the log ends. */
  newest(): Promise<Positions>
  /** Throws `invalid-cursor`, and `cursor-superseded` where it is of another log. */
  decodeCursor(text: string): Promise<Positions>
}

export type ReadRange = (
  asked: ReplayRequest,
  subscription: Pick<Subscription, 'missed'>,
) => Promise<ReplayRange>

/** It ends where the log ends now at the latest: what comes after that is sent anyway. */
export function createReadRange({ places, newest, decodeCursor }: RangeDeps): ReadRange {
  const decode = (name: 'after' | 'until', text: string) =>
    decodeCursor(text).catch((error: unknown) => {
      throw nameField(name, error)
    })

  async function readEnd({ until, till }: ReplayRequest, end: Positions): Promise<Positions> {
    if (until !== undefined) return decode('until', until)
    return till === undefined ? end : places.upTo(parseTime(till) ?? 0)
  }

  return async (asked, subscription) => {
    const end = await newest()
    const { after, since, missed } = asked
    if (missed !== undefined) return clampRange(rangeOfMissed(pick(subscription.missed, missed)), end)
    const from =
      after === undefined ? await places.before(parseTime(since ?? '') ?? 0) : await decode('after', after)
    if (after !== undefined && from.some((one, i) => comparePositions(one, end[i] ?? one) > 0)) throw ahead()
    return clampRange({ from, until: await readEnd(asked, end) }, end)
  }
}

/** The end was read after the cursor was given out, so what the cursor saw there is gone. */
function ahead(): AppError {
  return new AppError('cursor-superseded', {
    detail: 'The log ends before this cursor: what was there was lost, as with a failover.',
  })
}

function pick(missed: readonly Missed[], which: number | 'all'): readonly Missed[] {
  if (which === 'all' && missed.length > 0) return missed
  const one = which === 'all' ? undefined : missed[which]
  if (one) return [one]
  const message = which === 'all' ? 'It has missed nothing.' : 'There is no such stretch in its `missed`.'
  throw new AppError('invalid-request', {
    detail: message,
    errors: [{ path: 'missed', code: 'no-such-stretch', message }],
  })
}

/** The cursor's own fault speaks of `after`. */
function nameField(name: 'after' | 'until', error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'invalid-cursor') return error
  const message = 'It is not a cursor that this service gave out.'
  const errors = [{ path: name, code: 'invalid-cursor', message }]
  return new AppError('invalid-cursor', { detail: message, errors, cause: error })
}
