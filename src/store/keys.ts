/**
 * Every Redis key comes from here. What one commit touches carries one hash tag, `{t:<partition>}`, so that the same
 * scripts run on one Redis and on a cluster.
 *
 * A transfer's id is derived from its account and reference. So both lead to the record without a pointer, and the
 * same reference cannot be registered twice under two ids. The first four letters choose the partition: a batch's
 * transfers will take theirs from the batch, and live beside it.
 */
import { createHash } from 'node:crypto'
import { encodeBytes, type ReceiptId, type TransferId } from '../domain/ids.ts'

export interface Keys {
  partitions: number
  meta: string
  partitionOf(id: TransferId): number
  transfer(id: TransferId): string
  parked(id: TransferId): string
  receipt(partition: number, id: ReceiptId): string
  ready(partition: number): string
  events(partition: number): string
  queriesWanted(partition: number): string
  quarantine(account: string): string
  /** Where a script says that the log has grown. */
  wakeChannel: string
}

const homeLetters = 4
const idLetters = 26
const idPattern = /^tr-[0-9a-hjkmnp-tv-z]{26}$/
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export function createKeys(prefix: string, partitions: number): Keys {
  const tagged = (partition: number, ...rest: string[]) => [prefix, `{t:${partition}}`, ...rest].join(':')
  const partitionOf = (id: TransferId) => homeOf(id) % partitions
  return {
    partitions,
    meta: `${prefix}:meta`,
    partitionOf,
    transfer: (id) => tagged(partitionOf(id), id),
    parked: (id) => tagged(partitionOf(id), 'parked', id),
    receipt: (partition, id) => tagged(partition, id),
    ready: (partition) => tagged(partition, 'ready'),
    events: (partition) => tagged(partition, 'events'),
    queriesWanted: (partition) => tagged(partition, 'queries-wanted'),
    quarantine: (account) => `${prefix}:quarantine:${account}`,
    wakeChannel: `${prefix}:wake`,
  }
}

export function transferIdOf(account: string, reference: string): TransferId {
  // The lengths keep ("a", "bc") and ("ab", "c") apart.
  const text = `transfer:${account.length}:${account}:${reference}`
  const hash = createHash('sha256').update(text).digest().subarray(0, 20)
  return `tr-${encodeBytes(hash).slice(0, idLetters)}` as TransferId
}

export function readTransferId(text: string): TransferId | undefined {
  return idPattern.test(text) ? (text as TransferId) : undefined
}

function homeOf(id: TransferId): number {
  let home = 0
  for (const letter of id.slice(3, 3 + homeLetters)) home = home * 32 + alphabet.indexOf(letter)
  return home
}
