/**
 * The references of a batch's transfers: claimed, turned into pointers, or let go of. They lie in many partitions, so each
 * is done in groups, a step for each partition's; what another process has done meanwhile is found by looking again.
 */
import { AppError } from '../domain/errors.ts'
import type { RedisClient } from '../redis/client.ts'
import { encodePointer } from './codec/codec.ts'
import { inGroups } from './groups.ts'
import type { Keys } from './keys.ts'
import { type Claim, encodeClaimOf, type Found, judge, type Place } from './registration.ts'
import { type Command, readTogether } from './together.ts'

export interface TakenReference {
  position: number
  /** By an intent that is there, or by another registration that is under way. */
  by: 'intent' | 'registration'
}

export interface Claims {
  /** Those that cannot be claimed, as far as is known now. Writes nothing. */
  findTaken(places: readonly Place[]): Promise<TakenReference[]>
  /** Claims all of them; returns those that it could not. */
  take(places: readonly Place[], mine: Claim): Promise<TakenReference[]>
  /** What was parked under them becomes ready in the same step; says how many that were. */
  point(places: readonly Place[], mine: Claim, account: string): Promise<number>
  release(places: readonly Place[], mine: Claim): Promise<void>
  /** Lets go of a claim that does not hold any more; false where it holds. */
  clear(place: Place): Promise<boolean>
}

/** References in one step: enough to save round trips, and few enough to keep nobody waiting. */
const groupSize = 100
const attemptsMax = 16

interface Expected extends Place {
  /** What has to be under it still; '' for nothing. */
  text: string
}

export function createClaims({ redis, keys }: { redis: RedisClient; keys: Keys }): Claims {
  const partitionOf = ({ own }: Place) => keys.partitionOf(own)

  async function look(
    places: readonly Place[],
    mine?: Claim,
  ): Promise<{ open: Expected[]; taken: TakenReference[]; mine: Place[] }> {
    const texts = await readTogether(
      redis,
      places.map(({ own }): Command => ['get', keys.intent(own)]),
    )
    const found = places.map((place, i) => judge(texts[i], place, mine))
    const live = await findLive(found)
    const seen = { open: [] as Expected[], taken: [] as TakenReference[], mine: [] as Place[] }
    for (const [i, place] of places.entries()) {
      const one = found[i] as Found
      if (one.found === 'nothing') seen.open.push({ ...place, text: '' })
      else if (one.found === 'taken') seen.taken.push({ position: place.position, by: 'intent' })
      else if (one.found === 'mine') seen.mine.push(place)
      else if (one.found === 'claim' && live.has(one.text))
        seen.taken.push({ position: place.position, by: 'registration' })
      else if (one.found === 'claim') seen.open.push({ ...place, text: one.text })
    }
    return seen
  }

  /** The texts of those claims that hold. */
  async function findLive(found: readonly Found[]): Promise<Set<string>> {
    const claims = new Map(
      found.flatMap((one) => (one.found === 'claim' ? [[one.text, one.claim] as const] : [])),
    )
    const attempts = await readTogether(
      redis,
      [...claims.values()].map(({ by }): Command => ['hget', keys.draft(by), 'attempt']),
    )
    return new Set([...claims].filter(([, claim], i) => attempts[i] === claim.attempt).map(([text]) => text))
  }

  return {
    findTaken: async (places) => (await look(places)).taken,

    async take(places, mine) {
      const claim = encodeClaimOf(mine)
      let open: Expected[] = places.map((place) => ({ ...place, text: '' }))
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const { failed } = await inGroups(redis, open, { size: groupSize, partitionOf }, (step, one) => {
          step.check('same', keys.intent(one.own), one.text).do('SET', keys.intent(one.own), claim)
        })
        if (failed.length === 0) return []
        const seen = await look(failed, mine)
        if (seen.taken.length > 0) return seen.taken
        open = seen.open
      }
      throw new AppError('commit-contended')
    },

    async point(places, mine, account) {
      const claim = encodeClaimOf(mine)
      let ready = 0
      let left = places
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const done = await inGroups(
          redis,
          left,
          { size: groupSize, partitionOf },
          (step, { own, member }) => {
            const partition = keys.partitionOf(own)
            step.check('same', keys.intent(own), claim)
            step.do('SET', keys.intent(own), encodePointer(member))
            step.unpark(keys.parked(own), {
              counts: keys.parkedCounts(partition),
              ready: keys.ready(partition),
              account,
            })
            return step.writes() - 1
          },
        )
        ready += done.sum
        if (done.failed.length === 0) return ready
        left = (await look(done.failed, mine)).mine
      }
      throw new AppError('commit-contended')
    },

    async release(places, mine) {
      const claim = encodeClaimOf(mine)
      let left = (await look(places, mine)).mine
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const { failed } = await inGroups(redis, left, { size: groupSize, partitionOf }, (step, { own }) => {
          step.check('same', keys.intent(own), claim).do('DEL', keys.intent(own))
        })
        if (failed.length === 0) return
        left = (await look(failed, mine)).mine
      }
      throw new AppError('commit-contended')
    },

    async clear(place) {
      const { open } = await look([place])
      await inGroups(redis, open, { size: groupSize, partitionOf }, (step, { own, text }) => {
        step.check('same', keys.intent(own), text).do('DEL', keys.intent(own))
      })
      return open.length > 0
    },
  }
}
