/**
 * A history as a list of operations that says everything, so that it can be played again, made shorter, and pasted into a
 * test. What an operation picks is counted round what there is, so one that lost its neighbours still means something.
 */
import { createRandom, type Random } from './random.ts'
import { ghost, loneTransfers, members, type TransferWords, type Words } from './words.ts'

/**
 * What becomes of one step of somebody's work. `die`: the process ends before or after it took effect. `fault`: it goes on
 * and sees an error, whether or not it took effect. `cut`: of several commands some took effect, and errors for all.
 */
export const fates = ['ok', 'die-before', 'die-after', 'fault-before', 'fault-after', 'cut'] as const
export type Fate = (typeof fates)[number]

export type Operation =
  | { do: 'register'; name: string }
  /** Somebody sweeps up what leads from a number of the provider's to an intent. */
  | { do: 'finish-links' }
  | { do: 'callback'; words: Words }
  /** One that came before comes again: in the same bytes, in others, or saying something else. */
  | { do: 'again'; of: number; how: 'identical' | 'envelope' | 'times' | 'amount' | 'person' }
  /** A worker takes a job of so many receipts, from this place of the queue on. */
  | { do: 'work'; from: number; count: number }
  | { do: 'step'; of: number; fate: Fate }
  /** Everybody finishes what they are at. Only in histories that somebody wrote. */
  | { do: 'drain' }
  /** A job that was done is delivered again. */
  | { do: 'redeliver'; of: number }
  | { do: 'pump' }
  | { do: 'settle-batch' }
  | { do: 'resolve'; of: number; receipt: number; action: 'take-theirs' | 'keep-ours' | 'cancel' }
  | { do: 'clock'; by: number }

export interface Plan {
  seed: number
  operations: Operation[]
}

const day = 24 * 60 * 60 * 1000

export function createPlan(seed: number, size = 64): Plan {
  const random = createRandom(seed)
  // Each history has a temper of its own: some calm, some where everything breaks.
  const temper: Temper = {
    faults: random.pick([0, 0.02, 0.06, 0.15]),
    odd: random.pick([0, 0.03, 0.15]),
    ends: Object.fromEntries(
      [...loneTransfers, ...members].map((name) => [name, random.chance(0.7) ? 'succeeded' : 'failed']),
    ),
  }
  return { seed, operations: Array.from({ length: size }, () => draw(random, temper)) }
}

interface Temper {
  faults: number
  odd: number
  /** What is to become of each transfer. */
  ends: Record<string, 'succeeded' | 'failed'>
}

const registrable = [...loneTransfers, 'b0', 'c0']

function draw(random: Random, temper: Temper): Operation {
  const dice = random.below(100)
  if (dice < 46) return { do: 'step', of: random.below(8), fate: drawFate(random, temper) }
  if (dice < 67) return { do: 'callback', words: drawWords(random, temper) }
  if (dice < 74)
    return {
      do: 'again',
      of: random.below(40),
      how: random.pick(['identical', 'identical', 'envelope', 'times', 'amount', 'person']),
    }
  if (dice < 85) return { do: 'work', from: random.below(10), count: 1 + random.below(8) }
  if (dice < 92) return { do: 'register', name: random.pick(registrable) }
  if (dice < 93) return { do: 'finish-links' }
  if (dice < 95) return { do: 'pump' }
  if (dice < 97) return { do: 'settle-batch' }
  if (dice < 99)
    return {
      do: 'resolve',
      of: random.below(8),
      receipt: random.below(4),
      action: random.pick(['take-theirs', 'keep-ours', 'cancel']),
    }
  if (random.chance(0.5)) return { do: 'redeliver', of: random.below(40) }
  return { do: 'clock', by: random.pick([1_000, 60_000, -30_000, day, 40 * day]) }
}

export function drawFate(random: Random, { faults }: Pick<Temper, 'faults'>): Fate {
  return random.chance(faults) ? random.pick(fates.slice(1)) : 'ok'
}

function drawWords(random: Random, temper: Temper): Words {
  const odd = <T>(usual: T, others: readonly T[]) => (random.chance(temper.odd) ? random.pick(others) : usual)
  const dice = random.below(100)
  if (dice < 72) return drawTransfer(random, temper, odd)
  if (dice < 78)
    return {
      kind: 'batch',
      status: random.pick(['accepted', 'processing', 'finished', 'closed']),
      ...(random.chance(0.4) && { figures: odd('right', ['wrong-count']) }),
    }
  if (dice < 83)
    return { kind: 'coupon-grant', status: odd('granted', ['failed']), number: odd('own', ['other']) }
  if (dice < 91)
    return {
      kind: 'coupon-use',
      transaction: random.pick(['u1', 'u2', 'u3']),
      minor: odd(100, [250, 101]),
      ...(random.chance(temper.odd / 4) && { currency: 'USD' }),
    }
  if (dice < 99)
    return {
      kind: 'collection',
      transaction: random.pick(['x1', 'x2']),
      reference: odd('bill', ['other-bill']),
      minor: odd(700, [701]),
      name: random.pick(['own', 'spelled']),
    }
  return { kind: 'junk' }
}

function drawTransfer(
  random: Random,
  temper: Temper,
  odd: <T>(usual: T, others: readonly T[]) => T,
): TransferWords {
  const to = random.chance(0.03) ? ghost : random.pick([...loneTransfers, ...members])
  const end = temper.ends[to] ?? 'succeeded'
  const late = end === 'succeeded' && random.chance(0.15) ? 'returned' : end
  return {
    kind: 'transfer',
    to,
    status: odd(random.pick(['processing', 'processing', end, end, late]), [
      'succeeded',
      'failed',
      'returned',
    ]),
    ...(random.chance(0.9) && { off: odd(0, [1, -1]) }),
    ...(random.chance(0.01) && { currency: 'USD' }),
    ...(random.chance(0.7) && { person: odd(random.pick(['own', 'spelled'] as const), ['other']) }),
    ...(random.chance(0.5) && { name: odd(random.pick(['own', 'spelled'] as const), ['other']) }),
    ...(random.chance(0.6) && { number: odd('own', ['other', 'shared']) }),
    ...(random.chance(0.7) && { at: 100 + random.below(6) }),
    ...(random.chance(0.2) && { fee: 5 }),
    ...(random.chance(0.2) && { reason: 'R' }),
  }
}
