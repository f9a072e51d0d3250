/** What waits in the store, for a person or for something to come, in figures. */
import type { CaseKind } from '../domain/case.ts'
import type { CaseId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import { caseIdAt, decodeCase } from './case-write.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface Backlog {
  /** Callbacks that wait for what they are about to be registered. */
  parked: { account: string; count: number }[]
  /** Those whose wait has ended and that are not queued yet. */
  ready: number
  quarantined: { account: string; count: number }[]
  casesOpen: { account: string; kind: CaseKind | 'more'; count: number }[]
}

/** Of an account and a partition; what is beyond is counted under no kind. */
const casesLookedAt = 2_000

export function createReadBacklog({ redis, keys }: { redis: RedisClient; keys: Keys }) {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  const readAll = (commands: Command[]) => readTogether(redis, commands)
  /** By place: a case that changes has another. A reading asks for those alone that are new since the last. */
  let kinds = new Map<string, CaseKind>()

  async function readParked(): Promise<Backlog['parked']> {
    const rows = await readAll(
      partitions.map((partition): Command => ['hgetall', keys.parkedCounts(partition)]),
    )
    const counts = new Map<string, number>()
    for (const [account, count] of (rows as Record<string, string>[]).flatMap(Object.entries))
      counts.set(account, (counts.get(account) ?? 0) + Number(count))
    return [...counts].map(([account, count]) => ({ account, count }))
  }

  async function readReady(): Promise<number> {
    const counts = await readAll(partitions.map((partition): Command => ['hlen', keys.ready(partition)]))
    return (counts as number[]).reduce((total, count) => total + count, 0)
  }

  async function readQuarantined(accounts: readonly string[]): Promise<Backlog['quarantined']> {
    const counts = await readAll(accounts.map((account): Command => ['zcard', keys.quarantineIndex(account)]))
    return accounts.map((account, i) => ({ account, count: Number(counts[i]) }))
  }

  /** The indexes of open cases: by account, each partition's. */
  async function listIndexes(): Promise<{ account: string; key: string }[]> {
    const accounts = await readAll(
      partitions.map((partition): Command => ['smembers', keys.caseAccounts(partition)]),
    )
    return (accounts as string[][]).flatMap((some, partition) =>
      some.map((account) => ({ account, key: keys.casesIn(partition, account, 'open') })),
    )
  }

  async function readCases(): Promise<Backlog['casesOpen']> {
    const indexes = await listIndexes()
    const totals = (await readAll(indexes.map(({ key }): Command => ['zcard', key]))) as number[]
    const places = (await readAll(
      indexes.map(({ key }): Command => ['zrange', key, 0, casesLookedAt - 1]),
    )) as string[][]
    kinds = await kindsOf(places.flat())
    const counts = new Map<string, number>()
    const add = (account: string, kind: string, count: number) => {
      const key = `${account} ${kind}`
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
    for (const [i, { account }] of indexes.entries()) {
      const some = places[i] ?? []
      for (const place of some) add(account, kinds.get(place) ?? 'more', 1)
      const beyond = (totals[i] ?? 0) - some.length
      if (beyond > 0) add(account, 'more', beyond)
    }
    return [...counts].map(([key, count]) => {
      const [account = '', kind] = key.split(' ')
      return { account, kind: kind as CaseKind | 'more', count }
    })
  }

  async function kindsOf(places: readonly string[]): Promise<Map<string, CaseKind>> {
    const unknown = places.filter((place) => !kinds.has(place))
    const texts = await readAll(
      unknown.map((place): Command => {
        const id = caseIdAt(place) as CaseId
        return ['hget', keys.cases(keys.partitionOf(id)), id]
      }),
    )
    const known = new Map(kinds)
    for (const [i, place] of unknown.entries()) {
      const text = texts[i]
      if (typeof text === 'string') known.set(place, decodeCase(text).kind)
    }
    // Only those that are open still: what is resolved must not be remembered for ever.
    return new Map(places.flatMap((place) => pairOf(place, known.get(place))))
  }

  return async (accounts: readonly string[]): Promise<Backlog> => {
    const [parked, ready, quarantined, casesOpen] = await Promise.all([
      readParked(),
      readReady(),
      readQuarantined(accounts),
      readCases(),
    ])
    return { parked, ready, quarantined, casesOpen }
  }
}

function pairOf(place: string, kind: CaseKind | undefined): [string, CaseKind][] {
  return kind ? [[place, kind]] : []
}
