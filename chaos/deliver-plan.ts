/**
 * Which worker is killed and when, and how each subscriber misbehaves. The moments of the kills are counts of what was
 * taken and not times; what a subscriber does with an event follows from the seed and the event, so that every event
 * is taken in the end, by all of them.
 */
import { createRandom } from './random.ts'

export const habits = ['steady', 'failing', 'busy', 'hanging', 'away'] as const
export type Habit = (typeof habits)[number]

export interface WorkerKill {
  worker: number
  /** After so many deliveries in all. */
  afterTaken: number
  delayMs: number
}

export interface Absence {
  /** So many that it has taken itself. */
  afterTaken: number
  forMs: number
}

export interface DeliverPlan {
  seed: string
  kills: WorkerKill[]
  absences: Absence[]
}

export interface DeliverSize {
  events: number
  kills: number
  workers: number
}

/** Over the writes between an answer and its note. */
const delayMsMax = 20
/** Most of what there is to deliver, so that the last kills meet what is tried again. */
const share = 0.97
const absenceMs = { least: 1_000, most: 4_000 }
const absences = 2

export function planDeliveries(seed: string, { events, kills, workers }: DeliverSize): DeliverPlan {
  const random = createRandom(`${seed}/deliver`)
  const moments = Array.from({ length: kills }, () =>
    Math.floor(random.share() * events * habits.length * share),
  ).sort((a, b) => a - b)
  return {
    seed,
    kills: moments.map((afterTaken) => ({
      worker: random.between(0, workers - 1),
      afterTaken,
      delayMs: random.between(0, delayMsMax),
    })),
    absences: Array.from({ length: absences }, (_, i) => ({
      afterTaken: Math.floor(((i + random.share()) / absences) * events * share),
      forMs: random.between(absenceMs.least, absenceMs.most),
    })),
  }
}

export type Reply =
  | { kind: 'take'; afterMs: number }
  | { kind: 'refuse'; status: number; retryAfterSeconds?: number }
  /** No answer, until the other side has had enough. */
  | { kind: 'hang' }
  /** The connection ends in the middle. */
  | { kind: 'reset' }

const atOnce: Reply = { kind: 'take', afterMs: 0 }
const slowMsMax = 50

/** `arrival`: the how manyth of this event. */
export function decideReply(habit: Habit, seed: string, id: string, arrival: number): Reply {
  const random = createRandom(`${seed}/${habit}/${id}`)
  const luck = random.share()
  if (arrival > 2) return atOnce
  switch (habit) {
    case 'steady':
    case 'away':
      return atOnce
    case 'failing':
      if (luck < 1 / 2_000 || (luck < 1 / 50 && arrival === 1)) return { kind: 'refuse', status: 500 }
      return luck < 1 / 40 && arrival === 1 ? { kind: 'reset' } : atOnce
    case 'busy':
      if (arrival === 1 && luck < 1 / 1_000) return { kind: 'refuse', status: 503, retryAfterSeconds: 1 }
      if (arrival === 1 && luck < 1 / 500) return { kind: 'refuse', status: 429, retryAfterSeconds: 1 }
      return atOnce
    case 'hanging':
      if (arrival === 1 && luck < 1 / 100) return { kind: 'hang' }
      return luck < 1 / 10 ? { kind: 'take', afterMs: random.between(1, slowMsMax) } : atOnce
  }
}
