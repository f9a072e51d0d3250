/**
 * One pass over everything that the keyring has sealed. The order is that in which things move on: what is parked becomes
 * ready, what is ready goes on the queue. So what moves while the pass runs is met again further on. What ends in the
 * store is sealed for a person; of that only the person's key is the keyring's. Subscriptions stay where they are; their
 * secrets are the keyring's own.
 */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from '../store/keys.ts'
import { type Change, createRewriter } from '../store/rewrite.ts'
import { scanKeys } from '../store/scan.ts'
import type { Scripts } from '../store/scripts.ts'
import type { Changes } from './changes.ts'
import type { QueueKeys } from './in-hand.ts'

export const kinds = ['parked', 'ready', 'quarantine', 'jobs', 'persons', 'subscriptions'] as const
export type Kind = (typeof kinds)[number]
export type Counts = Record<Kind, number>

export interface Pass {
  moved: Counts
  /** What could not be opened where it lies, by Redis key. */
  failed: { key: string; why: string }[]
  /** Jobs that a worker had read before they were moved: it may still write what it read. */
  inHand: string[]
}

export interface PassDeps {
  redis: RedisClient
  scripts: Scripts
  keys: Keys
  queues: readonly QueueKeys[]
  changes: Changes
  onProgress(kind: Kind, moved: number): void
}

export async function runPass(deps: PassDeps): Promise<Pass> {
  const { redis, keys, changes } = deps
  const rewrite = createRewriter(deps)
  const pass: Pass = { moved: emptyCounts(), failed: [], inHand: [] }

  const unreadable = new Set<string>()

  /** One that cannot be opened stops nothing; it stays as it is and is reported. */
  function guard(key: string, change: Change): Change {
    return (text) => {
      try {
        return change(text)
      } catch (error) {
        if (!isUnreadable(error)) throw error
        const why = error.message
        if (!unreadable.has(`${key} ${why}`)) pass.failed.push({ key, why })
        unreadable.add(`${key} ${why}`)
        return undefined
      }
    }
  }

  async function count(kind: Kind, moving: Promise<number | boolean>): Promise<number> {
    const moved = Number(await moving)
    pass.moved[kind] += moved
    if (moved > 0) deps.onProgress(kind, pass.moved[kind])
    return moved
  }

  const moveHash = (key: string, kind: Kind, change: Change) =>
    count(kind, rewrite.hash(key, guard(key, change)))
  const moveText = (key: string, kind: Kind, change: Change) =>
    count(kind, rewrite.text(key, guard(key, change)))

  async function scan(visit: (key: string) => Promise<unknown> | undefined): Promise<void> {
    for await (const batch of scanKeys(redis, { pattern: keys.scanPattern })) {
      await Promise.all(batch.map(visit))
    }
  }

  async function moveJobs({ jobsPattern, lockOf }: QueueKeys): Promise<void> {
    for await (const batch of scanKeys(redis, { pattern: jobsPattern, type: 'hash' })) {
      for (const key of batch) {
        const id = key.slice(key.lastIndexOf(':') + 1)
        const change = guard(key, (data) => changes.job(id, data))
        const moved = await count('jobs', rewrite.field(key, 'data', change))
        if (moved > 0 && (await redis.exists(lockOf(id))) === 1) pass.inHand.push(id)
      }
    }
  }

  await scan((key) => {
    const kind = keys.classify(key)?.kind
    if (kind === 'parked') return moveHash(key, 'parked', changes.receipt)
    return kind === 'quarantine' ? moveHash(key, 'quarantine', changes.quarantined) : undefined
  })
  for (let partition = 0; partition < keys.partitions; partition++) {
    await moveHash(keys.ready(partition), 'ready', changes.receipt)
  }
  for (const queue of deps.queues) await moveJobs(queue)
  await scan((key) => {
    const found = keys.classify(key)
    if (found?.kind !== 'person') return undefined
    return moveText(key, 'persons', (wrapped) => changes.person(found.digest, wrapped))
  })
  for (let partition = 0; partition < keys.partitions; partition++) {
    await moveHash(keys.subscriptions(partition), 'subscriptions', changes.subscription)
  }
  return pass
}

export function emptyCounts(): Counts {
  return Object.fromEntries(kinds.map((kind) => [kind, 0])) as Counts
}

/** Sealed for another place, under a key that is not there, or not of a form that we write. */
function isUnreadable(error: unknown): error is Error {
  return (
    error instanceof SyntaxError ||
    error instanceof TypeError ||
    (error as { code?: unknown }).code === 'cannot-unseal'
  )
}
