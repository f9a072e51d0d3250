/** The provider's own numbers of payouts: each stands for one intent of ours, for as long as callbacks are remembered. */
import type { AliasId, IntentId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored, encodePointer } from './codec/codec.ts'
import type { Keys } from './keys.ts'
import type { Target } from './load-intents.ts'
import { claimCommand } from './scripts.ts'
import { type Command, readAtOnceMax, readTogether, splitForScripts } from './together.ts'

export interface NumberClaim {
  number: AliasId
  target: Target
  ttlMs: number
}

export interface PayoutNumbers {
  /** Notes whose the numbers are, for a time, unless they are somebody's already; says whose they are. */
  claimNumbers(claims: readonly NumberClaim[]): Promise<Target[]>
  /** A number that is noted stands for this one from now on: a person says so. */
  moveNumber(number: AliasId, target: Target): Promise<void>
}

export function createPayoutNumbers({ redis, keys }: { redis: RedisClient; keys: Keys }): PayoutNumbers {
  return {
    async claimNumbers(claims) {
      const names = claims.map(({ number }) => keys.intent(number))
      const parts = splitForScripts(redis, names, readAtOnceMax)
      const commands = parts.map((part): Command => {
        const texts = part.flatMap((i) => {
          const { target, ttlMs } = claims[i] as NumberClaim
          return [encodePointer(target as IntentId), ttlMs]
        })
        return [claimCommand, part.length, ...part.map((i) => names[i] as string), ...texts]
      })
      const holders = claims.map(({ target }) => target)
      for (const [n, answer] of (await readTogether(redis, commands)).entries()) {
        for (const [k, i] of (parts[n] ?? []).entries()) {
          const text = (answer as (string | null)[])[k]
          const stored = text ? decodeStored(holders[i] as IntentId, text) : undefined
          if (stored?.form === 'pointer') holders[i] = stored.to
        }
      }
      return holders
    },
    async moveNumber(number, target) {
      const pointer = encodePointer(target as IntentId)
      await readTogether(redis, [['set', keys.intent(number), pointer, 'XX', 'KEEPTTL']])
    },
  }
}

/** Whose the numbers are, where they are anybody's; claims nothing. */
export type FindNumbers = (numbers: readonly AliasId[]) => Promise<(Target | undefined)[]>

export function createFindNumbers({ redis, keys }: { redis: RedisClient; keys: Keys }): FindNumbers {
  return async (numbers) => {
    const texts = await readTogether(
      redis,
      numbers.map((number): Command => ['get', keys.intent(number)]),
    )
    return texts.map((text, i) => {
      const stored =
        typeof text === 'string' ? decodeStored(numbers[i] as unknown as IntentId, text) : undefined
      return stored?.form === 'pointer' ? stored.to : undefined
    })
  }
}
