/**
 * The batches that something has to be done about: whose totals have moved so that something may follow, whose
 * transfers are to be asked about, whose books are next to be audited. One leaves its list in a step that makes
 * sure that nothing has moved since it was looked at; so none is forgotten, and a process that dies loses nothing.
 */
import type { Batch } from '../domain/batch.ts'
import type { BatchId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import { toCommand } from './groups.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether, runTogether } from './together.ts'
import { createTransaction } from './transaction.ts'

export interface DueBatches {
  /** Some of those that are due, of each partition. */
  listDue(): Promise<BatchId[]>
  /** Those that are not there: not registered yet, or gone. */
  dropUnknown(ids: readonly BatchId[]): Promise<void>
  /** The provider is to be asked now about every transfer of the batches that this was wished for. Says how many batches. */
  askAll(now: number): Promise<number>
  /** Those of each partition that were audited longest ago, and not since. */
  listForAudit(before: number, limit: number): Promise<BatchId[]>
  /** It is looked at by who settles batches, too. Undefined for `at`: it is not there any more. */
  noteAudit(id: BatchId, at: number | undefined): Promise<void>
}

const dueAtOnce = 64
/** Members of one batch in one command. */
const askedAtOnce = 500

export interface DueBatchesDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'find'>
}

export function createDueBatches({ redis, keys, intents }: DueBatchesDeps): DueBatches {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)

  async function listOf(command: (partition: number) => Command): Promise<BatchId[]> {
    const found = await readTogether(redis, partitions.map(command))
    return (found as BatchId[][]).flat()
  }

  /** Only those that are waited for are in the watch; what is final stays out of it. */
  async function askMembers({ id, account }: Pick<Batch, 'id' | 'account'>, now: number): Promise<void> {
    const watch = keys.watch(keys.partitionOf(id), account)
    for (let from = 0; ; from += askedAtOnce) {
      const members = await redis.zrange(keys.members(id), String(from), String(from + askedAtOnce - 1))
      if (members.length > 0)
        await redis.zadd(watch, 'XX', 'LT', ...members.flatMap((member) => [now, member]))
      if (members.length < askedAtOnce) return
    }
  }

  return {
    listDue: () => listOf((partition) => ['srandmember', keys.dueBatches(partition), dueAtOnce]),

    async dropUnknown(ids) {
      // One whose registration ends at this moment becomes due in the step that ends it, and is kept.
      const commands = ids.map((id) =>
        toCommand(
          createTransaction()
            .check('waiting', keys.intent(id))
            .do('SREM', keys.dueBatches(keys.partitionOf(id)), id),
        ),
      )
      await runTogether(redis, commands)
    },

    async askAll(now) {
      const ids = await listOf((partition) => ['srandmember', keys.askedBatches(partition), dueAtOnce])
      for (const id of ids) {
        const batch = await intents.find(id)
        if (batch?.kind === 'batch') await askMembers(batch, now)
        // Whoever wishes it anew in between gets what they want all the same: all are due by now.
        await redis.srem(keys.askedBatches(keys.partitionOf(id)), id)
      }
      return ids.length
    },

    listForAudit: (before, limit) =>
      listOf((partition) => ['zrangebyscore', keys.audits(partition), '-inf', before, 'LIMIT', 0, limit]),

    async noteAudit(id, at) {
      const partition = keys.partitionOf(id)
      if (at === undefined) {
        await redis.zrem(keys.audits(partition), id)
        return
      }
      await redis.zadd(keys.audits(partition), 'XX', at, id)
      // Whatever should have followed and did not, follows now.
      await redis.sadd(keys.dueBatches(partition), id)
    },
  }
}
