/** Many things of one kind, written in a few steps: those of one partition together, all or nothing, up to a size. */
import type { RedisClient } from '../redis/client.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export interface Grouping<One> {
  size: number
  partitionOf(one: One): number
}

/** Commands in one round trip, so that a big batch holds neither much memory nor the connection for long. */
const atOnceMax = 8

/** Where `compose` returns a number it is that of a write, whose result is summed up. */
export async function inGroups<One>(
  redis: RedisClient,
  all: readonly One[],
  grouping: Grouping<NoInfer<One>>,
  compose: (step: Transaction, one: One) => unknown,
): Promise<{ failed: One[]; sum: number }> {
  const groups = split(all, grouping)
  const failed: One[] = []
  let sum = 0
  for (let start = 0; start < groups.length; start += atOnceMax) {
    const round = groups.slice(start, start + atOnceMax).map((group) => {
      const transaction = createTransaction()
      const counted = group.map((one) => compose(transaction, one))
      return { group, counted, transaction }
    })
    const answers = await readTogether(
      redis,
      round.map(({ transaction }) => toCommand(transaction)),
    )
    for (const [i, { group, counted }] of round.entries()) {
      const answer = readTransaction(answers[i])
      if (answer.outcome === 'failed') failed.push(...group)
      else for (const at of counted) sum += typeof at === 'number' ? Number(answer.results[at]) : 0
    }
  }
  return { failed, sum }
}

export function toCommand(transaction: Transaction): Command {
  const { keys, args } = transaction.toCall()
  return [commitCommand, keys.length, ...keys, ...args]
}

function split<One>(all: readonly One[], { size, partitionOf }: Grouping<One>): One[][] {
  const open = new Map<number, One[]>()
  const groups: One[][] = []
  for (const one of all) {
    const partition = partitionOf(one)
    const group = open.get(partition)
    if (group && group.length < size) group.push(one)
    else {
      const fresh = [one]
      open.set(partition, fresh)
      groups.push(fresh)
    }
  }
  return groups
}
