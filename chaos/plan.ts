/**
 * What is done to the receiver and to Redis in one round, and when. Moments are counts of acknowledgements and not times:
 * so they fall into the load on any machine, and the same seed plans the same round.
 */
import { createRandom, type Random } from './random.ts'

/**
 * `pause` stops Redis for a while (SIGSTOP) and the others are a SIGKILL; `hang` is both. Redis is stopped first, so that
 * what the receiver writes meanwhile lies in the socket, unread, and is gone with the kill: nothing finds a receiver that
 * trusts a write before its answer as surely.
 */
export const strikeKinds = ['receiver', 'redis', 'both', 'pause', 'hang'] as const
export type StrikeKind = (typeof strikeKinds)[number]

export interface Strike {
  kind: StrikeKind
  /** So many acknowledgements after the last strike was recovered from. */
  afterAcks: number
  /** And so much later: answers come in bunches, and this spreads the moments over the next group's write. */
  delayMs: number
  /** Redis stays away, or stopped, until the receiver has answered so many callbacks with 503, */
  refusals: number
  /** and for so long. */
  awayMs: number
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
/** On both sides of every time limit between a callback and its answer. */
const awayMsMax = 3_500

export function planRound(campaignSeed: string, round: number, strikeCount: number): RoundPlan {
  const seed = `${campaignSeed}/${round}`
  const { share, between } = createRandom(seed)

  const strike = (kind: StrikeKind): Strike => ({
    kind,
    // Squared, so that many come early, while the last strike's repeats are still on their way.
    afterAcks: 1 + Math.floor(acksMax * share() ** 2),
    delayMs: between(0, delayMsMax),
    ...planAbsence(kind, share() < 0.5, between),
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

/** A Redis that hangs for a time and comes back must not be the cause of an answer that is 200 and too late. */
function planAbsence(kind: StrikeKind, byTime: boolean, between: Random['between']) {
  switch (kind) {
    case 'receiver':
    case 'both':
      return { refusals: 0, awayMs: 0 }
    case 'redis':
      return { refusals: between(0, refusalsMax), awayMs: 0 }
    case 'pause':
    case 'hang':
      return byTime
        ? { refusals: 0, awayMs: between(1, awayMsMax) }
        : { refusals: between(1, refusalsMax), awayMs: 0 }
  }
}

export function describeStrike({ kind, afterAcks, delayMs, refusals, awayMs }: Strike): string {
  const until = refusals > 0 ? ` until ${refusals} x 503` : awayMs > 0 ? ` for ${awayMs} ms` : ''
  return `${kind} at +${afterAcks} acks +${delayMs} ms${until}`
}
