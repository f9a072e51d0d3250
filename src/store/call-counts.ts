/** How many calls came to what, and how long they took: kept beside the limits, in the same steps. */

/** In milliseconds, at most; the last class has no end. */
export const durationBounds = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const

export interface CallDurations {
  /** As `durationBounds`, and one more; each call is in one of them. */
  counts: number[]
  sumMs: number
}

export interface CallCounts {
  outcomes: { bucket: string; outcome: string; count: number }[]
  durations: { bucket: string; durations: CallDurations }[]
}

export function classOfDuration(ms: number): string {
  return String(durationBounds.find((bound) => ms <= bound) ?? 'more')
}

export function readCallCounts(fields: Record<string, string>): CallCounts {
  const counts: CallCounts = { outcomes: [], durations: [] }
  for (const [field, value] of Object.entries(fields)) {
    const [kind, bucket = '', outcome = ''] = field.split(' ')
    if (kind === 'n') counts.outcomes.push({ bucket, outcome, count: Number(value) })
    if (kind === 'ms') counts.durations.push({ bucket, durations: readDurations(fields, bucket) })
  }
  return counts
}

function readDurations(fields: Record<string, string>, bucket: string): CallDurations {
  const classes = [...durationBounds.map(String), 'more']
  return {
    counts: classes.map((name) => Number(fields[`le ${bucket} ${name}`] ?? 0)),
    sumMs: Number(fields[`ms ${bucket}`] ?? 0),
  }
}
