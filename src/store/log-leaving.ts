/** Lets go of the oldest entries of a partition's log, which the archive has, and notes how far it went. */
import type { LoggedEvent } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { KeptLine } from './archive.ts'
import { decodeEvent } from './codec/codec.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { createTransaction, readTransaction } from './transaction.ts'

export interface OldEntries {
  lines: KeptLine[]
  /** Of the last of them. */
  last: string
}

export interface LogLeaving {
  /** The oldest that were written before this time; undefined where there are none. */
  readOlder(partition: number, before: number, limit: number): Promise<OldEntries | undefined>
  /** Up to and with this position. False where somebody else was at it too. */
  trim(partition: number, last: string): Promise<boolean>
}

export function createLogLeaving({ redis, keys }: { redis: RedisClient; keys: Keys }): LogLeaving {
  return {
    async readOlder(partition, before, limit) {
      const entries = await redis.xrange(
        keys.events(partition),
        '-',
        String(Math.floor(before) - 1),
        'COUNT',
        limit,
      )
      const last = entries.at(-1)?.[0]
      if (last === undefined) return undefined
      return { lines: entries.map(([position, [, text = '']]) => toLine(partition, position, text)), last }
    },

    async trim(partition, last) {
      const key = keys.logLeft(partition)
      const call = createTransaction()
        .check('same', key, (await redis.get(key)) ?? '')
        .do('SET', key, last)
        .do('XTRIM', keys.events(partition), 'MINID', nextOf(last))
        .toCall()
      const [answer] = await readTogether(redis, [
        [commitCommand, call.keys.length, ...call.keys, ...call.args],
      ])
      return readTransaction(answer).outcome === 'written'
    },
  }
}

/** As it lay in the log, with what is personal still sealed. */
function toLine(partition: number, position: string, text: string): KeptLine {
  const event = decodeEvent(text)
  const about = aboutOf(event)
  return {
    kind: 'event',
    id: eventIdOf(about.id, event.fact.sequence),
    account: 'account' in about ? about.account : '',
    ...('reference' in about && { reference: about.reference }),
    at: event.at,
    data: { v: 1, partition, position, event: JSON.parse(text) as unknown },
  }
}

function aboutOf(event: LoggedEvent) {
  if ('case' in event) return event.case
  return 'subscription' in event ? event.subscription : event.intent
}

function nextOf(position: string): string {
  const [ms = '0', number = '0'] = position.split('-')
  return `${ms}-${BigInt(number) + 1n}`
}
