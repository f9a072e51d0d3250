/** A history of what we send ourselves, as a list of operations that says everything. */
import { drawFate, type Fate } from '../plan.ts'
import { createRandom, type Random } from '../random.ts'
import { batchName, couponName, members } from '../words.ts'
import { type Mood, moods } from './provider.ts'

/** A provider that sets money aside, or one that takes batches as a whole. */
export type Kind = 'reserving' | 'whole'

/** What can be registered by itself; the transfers of a batch come with it. */
export const sendable: Record<Kind, readonly string[]> = {
  reserving: ['t0', 't1', batchName],
  whole: [batchName, couponName],
}

export type SendingOperation =
  /** `submit`: it is to be sent at once. */
  | { do: 'register'; name: string; submit: boolean }
  | { do: 'submit' | 'cancel' | 'ask'; name: string }
  /** Somebody does what is due. */
  | { do: 'watch' }
  | { do: 'step'; of: number; fate: Fate }
  /** So many steps with nothing going wrong. */
  | { do: 'go'; of: number; count: number }
  /** Time goes on, and somebody does what is due then. */
  | { do: 'round'; by: number; of: number; count: number }
  /** Only in histories that somebody wrote. */
  | { do: 'drain' }
  /** How the provider takes the next order. */
  | { do: 'mood'; mood: Mood }
  /** What is on its way to the provider arrives. */
  | { do: 'arrive' }
  /** Something goes on at the provider, and it may call back. */
  | { do: 'settle'; of: number; how: number }
  /** A callback comes once more. */
  | { do: 'again'; of: number }
  | { do: 'work'; from: number; count: number }
  | { do: 'redeliver'; of: number }
  | { do: 'pump' | 'settle-batch' | 'finish-links' }
  | { do: 'resolve'; of: number; receipt: number; action: 'take-theirs' | 'keep-ours' | 'cancel' }
  | { do: 'pause'; on: boolean }
  | { do: 'clock'; by: number }

export interface SendingPlan {
  seed: number
  kind: Kind
  operations: SendingOperation[]
}

const minute = 60_000

interface Temper {
  kind: Kind
  faults: number
  /** How often the provider is in a mood. */
  moody: number
}

export function createSendingPlan(seed: number, size = 110): SendingPlan {
  const random = createRandom(seed ^ 0x5e4d)
  const kind = random.pick(['reserving', 'reserving', 'whole'] as const)
  const temper: Temper = {
    kind,
    faults: random.pick([0, 0.03, 0.08, 0.16]),
    moody: random.pick([2, 5, 10]),
  }
  const first: SendingOperation[] = sendable[kind].map((name) => ({
    do: 'register',
    name,
    submit: random.chance(0.7),
  }))
  return {
    seed,
    kind,
    operations: [...first, ...Array.from({ length: size }, () => draw(random, temper, sendable[kind]))],
  }
}

function draw(random: Random, temper: Temper, names: readonly string[]): SendingOperation {
  const dice = random.below(100)
  if (dice < 32) return { do: 'step', of: random.below(8), fate: drawFate(random, temper) }
  if (dice < 50) return { do: 'go', of: random.below(8), count: random.pick([2, 4, 8, 16, 32]) }
  if (dice < 62) return { do: 'watch' }
  if (dice < 66) return { do: 'clock', by: drawTime(random) }
  if (dice < 72)
    return { do: 'round', by: drawTime(random), of: random.below(8), count: random.pick([16, 32, 64]) }
  if (dice < 72 + temper.moody) return { do: 'mood', mood: random.pick(moods[temper.kind]) }
  return drawRare(random, names, temper.kind)
}

/** Mostly what makes something due; now and then what makes a reservation run out. */
function drawTime(random: Random): number {
  return random.pick([
    1_000,
    5_000,
    11_000,
    30_000,
    minute,
    minute,
    2 * minute,
    10 * minute,
    31 * minute,
    65 * minute,
  ])
}

function drawRare(random: Random, names: readonly string[], kind: Kind): SendingOperation {
  const name = random.pick(names)
  const transfer = random.pick([...members, ...(kind === 'reserving' ? ['t0', 't1'] : [])])
  const dice = random.below(100)
  if (dice < 24) return { do: 'settle', of: random.below(8), how: random.below(60) }
  if (dice < 42) return { do: 'work', from: random.below(10), count: 1 + random.below(4) }
  if (dice < 54)
    return {
      do: 'resolve',
      of: random.below(8),
      receipt: random.below(4),
      action: random.pick(['take-theirs', 'keep-ours', 'keep-ours', 'cancel']),
    }
  if (dice < 60) return { do: 'submit', name }
  if (dice < 65) return { do: 'cancel', name: transfer }
  if (dice < 70) return { do: 'ask', name: random.chance(0.5) ? name : transfer }
  if (dice < 76) return { do: 'arrive' }
  if (dice < 82) return { do: 'again', of: random.below(20) }
  if (dice < 88) return { do: random.pick(['pump', 'settle-batch', 'finish-links'] as const) }
  if (dice < 91) return { do: 'redeliver', of: random.below(20) }
  if (dice < 94) return { do: 'pause', on: random.chance(0.4) }
  return { do: 'register', name, submit: random.chance(0.7) }
}
