/**
 * Whether an account's submissions are paused. The configuration says so of a process from its start; an operator says so of
 * all processes at once, and that outlives them.
 */
import { z } from 'zod'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export interface OperatorPause {
  by: string
  reason: string
  /** Milliseconds. */
  at: number
}

export interface PauseState {
  byConfiguration: boolean
  byOperator?: OperatorPause | undefined
}

export interface Pauses {
  /** Asked before each submission. Where Redis does not answer it rejects: then nothing is submitted either. */
  isPaused(account: string): Promise<boolean>
  stateOf(account: string): Promise<PauseState>
  /** False: it was paused already, and stays so as it was. */
  pause(account: string, pause: OperatorPause): Promise<boolean>
  /** False: no operator had paused it. */
  resume(account: string): Promise<boolean>
}

export interface PausesDeps {
  redis: RedisClient
  keys: Pick<Keys, 'pause'>
  pausedByConfiguration(account: string): boolean
}

const schema = z.object({ by: z.string(), reason: z.string(), at: z.number() })

export function createPauses({ redis, keys, pausedByConfiguration }: PausesDeps): Pauses {
  return {
    isPaused: async (account) =>
      pausedByConfiguration(account) || (await redis.exists(keys.pause(account))) === 1,
    async stateOf(account) {
      const text = await redis.get(keys.pause(account))
      return {
        byConfiguration: pausedByConfiguration(account),
        byOperator: text === null ? undefined : schema.parse(JSON.parse(text)),
      }
    },
    pause: async (account, pause) =>
      (await redis.set(keys.pause(account), JSON.stringify(pause), 'NX')) === 'OK',
    resume: async (account) => (await redis.del(keys.pause(account))) === 1,
  }
}
