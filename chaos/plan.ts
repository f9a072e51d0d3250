/**
 * What is done to the receiver and to Redis in one round, and when. Moments are counts of acknowledgements and not times:
 * so they fall into the load on any machine, and the same seed plans the same round.
 */
import { createRandom } from './random.ts'

/** `pause` stops Redis for a while (SIGSTOP), the others are a SIGKILL. */
export const strikeKinds = ['receiver', 'redis', 'both', 'pause'] as const
export type StrikeKind = (typeof strikeKinds)[number]

export interface Strike {
  kind: StrikeKind
  /** So many acknowledgements after the last strike was recovered from. */
  afterAcks: number
  /** And so much later: answers come in bunches, and this spreads the moments over the next group's write. */
  delayMs: number
  /** Redis stays away, or stopped, until the receiver has answered so many callbacks with 503. */
  refusals: number
}

export interface RoundPlan {
  seed: string
  strikes: Strike[]
  /** The end of the round: both at once, under load like the others. */
  last: Strike
}

const acksMax = 400
const delayMsMax = 4
const refusalsMax = 60

export function planRound(campaignSeed: string, round: number, strikeCount: number): RoundPlan {
  const seed = `${campaignSeed}/${round}`
  const { share, between } = createRandom(seed)

  const strike = (kind: StrikeKind): Strike => ({
    kind,
    // Squared, so that many come early, while the last strike's repeats are still on their way.
    afterAcks: 1 + Math.floor(acksMax * share() ** 2),
    delayMs: between(0, delayMsMax),
    refusals: kind === 'pause' ? between(1, refusalsMax) : kind === 'redis' ? between(0, refusalsMax) : 0,
  })

  /** Dealt like cards, so that every kind has its turn. */
  let deck: StrikeKind[] = []
  const deal = (): StrikeKind => {
    if (deck.length === 0) deck = [...strikeKinds]
    const [kind = 'both'] = deck.splice(between(0, deck.length - 1), 1)
    return kind
  }

  return { seed, strikes: Array.from({ length: strikeCount }, () => strike(deal())), last: strike('both') }
}

export function describeStrike({ kind, afterAcks, delayMs, refusals }: Strike): string {
  const until = refusals > 0 ? ` until ${refusals} x 503` : ''
  return `${kind} at +${afterAcks} acks +${delayMs} ms${until}`
}
