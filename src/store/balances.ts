/**
 * What an account holds at its provider, kept for a minute: however often a console is reloaded, it costs the account one
 * call. That there was no answer is kept as well, for less.
 */
import { z } from 'zod'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

const balanceSchema = z.object({
  available: z.string(),
  reserved: z.string().optional(),
  outstanding: z.string().optional(),
  currency: z.string(),
})
const keptSchema = z.object({ askedAt: z.number(), balance: balanceSchema.optional() })

export type KeptBalance = z.output<typeof keptSchema>

export interface BalancesDeps {
  redis: RedisClient
  keys: Pick<Keys, 'balance'>
  /** Undefined where there is no answer; rejects at nothing. */
  ask(account: string): Promise<KeptBalance['balance']>
  clock: () => number
}

export type ReadBalance = (account: string) => Promise<KeptBalance>

const keptMs = 60_000
const keptWithoutMs = 15_000

export function createReadBalance({ redis, keys, ask, clock }: BalancesDeps): ReadBalance {
  const underWay = new Map<string, Promise<KeptBalance>>()

  async function read(account: string): Promise<KeptBalance> {
    const text = await redis.get(keys.balance(account))
    if (text !== null) return keptSchema.parse(JSON.parse(text))
    const askedAt = clock()
    const balance = await ask(account)
    const kept = { askedAt, ...(balance && { balance }) }
    const forMs = balance ? keptMs : keptWithoutMs
    await redis.set(keys.balance(account), JSON.stringify(kept), 'PX', forMs)
    return kept
  }

  return (account) => {
    const known = underWay.get(account)
    if (known) return known
    const reading = read(account).finally(() => underWay.delete(account))
    underWay.set(account, reading)
    return reading
  }
}
