/**
 * Which key verified how many callbacks, and when last: so that an operator sees when an old one is silent and may go.
 * Counted in memory and written now and then, so that it costs the callbacks nothing.
 *
 * Not guaranteed: what was counted since the last write is lost with the process, and a write that fails is not
 * repeated, since its outcome is unknown and a count too many would be as wrong as one too few.
 */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import type { Scripts } from './scripts.ts'

export interface Use {
  name: string
  count: number
  lastAt: number
}

export interface KeyUsage {
  /** A callback of the account was proved by this key. */
  note(account: string, keyId: string, at: number): void
  /** One was refused. */
  noteRefusal(account: string, reason: string, at: number): void
  flush(): Promise<void>
  keysOf(account: string): Promise<Use[]>
  refusalsOf(account: string): Promise<Use[]>
}

export interface KeyUsageDeps {
  redis: RedisClient
  scripts: Scripts
  keys: Pick<Keys, 'keyUsage' | 'refusals'>
}

type Counts = Map<string, Use>

export function createKeyUsage({ redis, scripts, keys }: KeyUsageDeps): KeyUsage {
  /** By Redis key. Names come from the configuration and from our own list of reasons, so there are few. */
  let counted = new Map<string, Counts>()

  function add(key: string, name: string, at: number): void {
    const counts: Counts = counted.get(key) ?? new Map()
    counted.set(key, counts)
    const use = counts.get(name)
    if (!use) return void counts.set(name, { name, count: 1, lastAt: at })
    use.count++
    use.lastAt = Math.max(use.lastAt, at)
  }

  return {
    note: (account, keyId, at) => add(keys.keyUsage(account), keyId, at),
    noteRefusal: (account, reason, at) => add(keys.refusals(account), reason, at),
    async flush() {
      const taken = counted
      counted = new Map()
      // Sent in one go; on a cluster each account may live on another node.
      await Promise.all([...taken].map(([key, counts]) => scripts.countUse([key], toArgs(counts))))
    },
    keysOf: async (account) => readUses(await redis.hgetall(keys.keyUsage(account))),
    refusalsOf: async (account) => readUses(await redis.hgetall(keys.refusals(account))),
  }
}

function toArgs(counts: Counts): string[] {
  return [...counts.values()].flatMap(({ name, count, lastAt }) => [name, String(count), String(lastAt)])
}

function readUses(fields: Record<string, string>): Use[] {
  return Object.entries(fields)
    .filter(([field]) => field.startsWith('n:'))
    .map(([field, count]) => {
      const name = field.slice(2)
      return { name, count: Number(count), lastAt: Number(fields[`t:${name}`]) }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Writes every so often, and once more at the stop. */
export function startUsageFlush(
  usage: Pick<KeyUsage, 'flush'>,
  intervalMs: number,
  onFailure: (error: unknown) => void,
): { stop(): Promise<void> } {
  const flush = () => usage.flush().catch(onFailure)
  const timer = setInterval(() => void flush(), intervalMs)
  return {
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}
