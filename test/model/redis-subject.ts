/** The store as it is, on Redis, with eyes for what it keeps. */
import type { BatchId, IntentId, ReceiptId } from '../../src/domain/ids.ts'
import type { ReceiptOutcome } from '../../src/domain/receipt.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { createCases } from '../../src/store/cases.ts'
import { decodeEvent, decodeStored, encodeClaim, encodePointer } from '../../src/store/codec/codec.ts'
import { readOutcome } from '../../src/store/codec/receipt.ts'
import { createIntentStore, type Target } from '../../src/store/intents.ts'
import { createKeys, type Keys } from '../../src/store/keys.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { createRegister } from '../../src/store/register.ts'
import { commitCommand, loadScripts } from '../../src/store/scripts.ts'
import { type Command, readTogether } from '../../src/store/together.ts'
import { readTotals } from '../../src/store/totals.ts'
import { createTransaction } from '../../src/store/transaction.ts'
import { createVault, type Vault } from '../../src/store/vault.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { keyring } from '../support/store.ts'
import type { Look, Subject, SubjectSettings } from './subject.ts'

export interface RedisSubject extends Subject {
  keys: Keys
  vault: Vault
}

const persons = createPersonSealer()
const repeatFields = ['identical', 're-sent', 'mutated'] as const

export function createRedisSubject(
  redis: RedisClient,
  prefix: string,
  { partitions, clock, parkedMax, resolvedMax }: SubjectSettings,
): RedisSubject {
  const keys = createKeys(prefix, partitions)
  const every = Array.from({ length: partitions }, (_, partition) => partition)
  loadScripts(redis)
  const vault = createVault({ redis, keys, sealer: keyring, persons })
  const intents = createIntentStore({
    archive: createMemoryArchive(),
    redis,
    keys,
    sealer: keyring,
    vault,
    parkedMax: () => parkedMax,
  })
  const read = (commands: Command[]) => readTogether(redis, commands)
  const positions = every.map((): string[] => [])

  /** The place of the last one that was read. */
  const placeAfter = (p: number, count: number) => (count > 0 ? `(${positions[p]?.[count - 1]}` : '-')

  async function inspect(
    ids: readonly IntentId[],
    after: readonly number[] | undefined,
    targets: readonly Target[],
  ) {
    const logs = after ? every : []
    const found = await read([
      ...ids.flatMap((id) => lookCommands(keys, id)),
      ...logs.map((p): Command => ['xrange', keys.events(p), placeAfter(p, after?.[p] ?? 0), '+']),
      ...targets.map((target): Command => ['hkeys', keys.parked(target)]),
    ])
    const width = ids.length * lookWidth
    return {
      looks: ids.map((id, i) => readLook(id, found.slice(i * lookWidth, (i + 1) * lookWidth))),
      logged: logs.map((p) => {
        const entries = found[width + p] as [string, string[]][]
        const known = positions[p] ?? []
        for (const [i, [position]] of entries.entries()) known[(after?.[p] ?? 0) + i] = position
        return entries.map(([, [, text = '']]) => decodeEvent(text))
      }),
      parked: found.slice(width + logs.length).map((names) => (names as ReceiptId[]).sort()),
    }
  }

  return {
    keys,
    vault,
    intents,
    register: createRegister({ redis, keys, intents }),
    cases: createCases({ redis, keys, clock, ...(resolvedMax !== undefined && { resolvedMax }) }),
    ready: createReadyReceipts({ redis, keys }),
    async openTotals(batch, count) {
      await redis.hset(keys.totals(batch), 'count', count)
    },
    async lead(alias, to) {
      const ready = keys.ready(keys.partitionOf(alias))
      const account = (await intents.find(to))?.account ?? ''
      const call = createTransaction()
        .do('SET', keys.intent(alias), encodePointer(to))
        .unpark(keys.parked(alias), { counts: keys.parkedCounts(keys.partitionOf(alias)), ready, account })
        .toCall()
      await read([[commitCommand, call.keys.length, ...call.keys, ...call.args]])
    },
    async claim(target, by) {
      // It holds as long as there is a draft of that attempt.
      await redis.hset(keys.draft(by as BatchId), 'attempt', '1')
      await redis.set(keys.intent(target), encodeClaim(`${by} 1`))
    },
    async undue(batch) {
      await redis.srem(keys.dueBatches(keys.partitionOf(batch)), batch)
    },
    inspect,
    readLog: async (after = every.map(() => 0)) => (await inspect([], after, [])).logged,
    look: async (ids) => (await inspect(ids, undefined, [])).looks,
    lookAt: async (targets) => (await inspect([], undefined, targets)).parked,
    async outcomesOf(intent, receipts) {
      const found = await read(
        receipts.map((id) => ['get', keys.receipt(keys.partitionOf(intent), id)] as Command),
      )
      return found.map((text): ReceiptOutcome | undefined =>
        typeof text === 'string' ? readOutcome(text) : undefined,
      )
    },
    async parkedCount(account) {
      const found = await read(every.map((p) => ['hget', keys.parkedCounts(p), account]))
      return sum(found)
    },
    async repeatsOf(account) {
      const counts = await Promise.all(
        repeatFields.map(async (field) =>
          sum(await read(every.map((p) => ['hget', keys.repeats(p), `${account} ${field}`]))),
        ),
      )
      return Object.fromEntries(repeatFields.map((field, i) => [field, counts[i] ?? 0])) as never
    },
  }
}

const sum = (counts: readonly unknown[]) => counts.reduce<number>((all, one) => all + Number(one ?? 0), 0)

const lookWidth = 5

function lookCommands(keys: Keys, id: IntentId): Command[] {
  const partition = keys.partitionOf(id)
  return [
    ['get', keys.intent(id)],
    ['zscore', keys.watch(partition, 'acme'), id],
    ['zscore', keys.final(partition, 'acme'), id],
    ['hgetall', keys.totals(id as BatchId)],
    ['sismember', keys.dueBatches(partition), id],
  ]
}

function readLook(id: IntentId, [text, watched, final, totals, due]: unknown[]): Look {
  const stored = typeof text === 'string' ? decodeStored(id, text) : undefined
  const score = (value: unknown) => (typeof value === 'string' ? Number(value) : undefined)
  return {
    intent: stored?.form === 'record' ? stored.intent : undefined,
    watched: score(watched),
    final: score(final),
    totals: id.startsWith('ba-') ? readTotals(totals) : undefined,
    due: due === 1,
  }
}
