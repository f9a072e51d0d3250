/**
 * Every Redis key comes from here. What one commit touches carries one hash tag, `{t:<partition>}`, so that the same
 * scripts run on one Redis and on a cluster.
 *
 * A transfer's id is derived from its account and reference. So both lead to the record without a pointer, and the
 * same reference cannot be registered twice under two ids. The first four letters choose the partition: a batch's
 * transfers will take theirs from the batch, and live beside it.
 */
import { createHash } from 'node:crypto'
import type { CaseState } from '../domain/case.ts'
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
  /** An account's refused callbacks: an index by id, and the entries. One tag, so that one script keeps and trims. */
  quarantineIndex(account: string): string
  queriesWanted(partition: number): string
  quarantine(account: string): string
  /** An account's cases by id, and an index for each state. One tag, so that one script moves a case between them. */
  cases(account: string): string
  casesIn(account: string, state: CaseState): string
  /** The accounts that have or had cases, also those that are no longer configured. */
  caseAccounts: string
  /** How often, and when last, each key of an account verified a callback. */
  keyUsage(account: string): string
  /** The same of the reasons why its callbacks were refused. */
  refusals(account: string): string
  /** The transfers to one beneficiary, under the keyed digest of the account number. */
  beneficiary(partition: number, digest: string): string
  /** The copy of a log that is being rewritten, and where the old one goes. */
  eventsCopy(partition: number): string
  eventsOld(partition: number): string
  /** For SCAN: every key that belongs to a partition or an account. */
  scanPattern: string
  /** What a key of the scan holds; undefined for what a rewrite has no business with. */
  classify(key: string): KeyKind | undefined
  /** Where a script says that the log has grown. */
  wakeChannel: string
}

export type KeyKind =
  | { kind: 'transfer'; id: string }
  | { kind: 'receipt'; id: string }
  | { kind: 'parked' }
  | { kind: 'quarantine' }

const homeLetters = 4
const idLetters = 26
const idPattern = /^tr-[0-9a-hjkmnp-tv-z]{26}$/
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export function createKeys(prefix: string, partitions: number): Keys {
  const tagged = (partition: number, ...rest: string[]) => [prefix, `{t:${partition}}`, ...rest].join(':')
  const ofAccount = (account: string, name: string) => `${prefix}:{a:${account}}:${name}`
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
    quarantineIndex: (account) => ofAccount(account, 'quarantine-index'),
    quarantine: (account) => ofAccount(account, 'quarantine'),
    cases: (account) => ofAccount(account, 'cases'),
    casesIn: (account, state) => ofAccount(account, `cases-${state}`),
    caseAccounts: `${prefix}:case-accounts`,
    keyUsage: (account) => ofAccount(account, 'key-usage'),
    refusals: (account) => ofAccount(account, 'refusals'),
    beneficiary: (partition, digest) => tagged(partition, 'to', digest),
    eventsCopy: (partition) => tagged(partition, 'events-copy'),
    eventsOld: (partition) => tagged(partition, 'events-old'),
    scanPattern: `${prefix}:{?:*}:*`,
    classify: (key) => classify(key.slice(key.indexOf('}:') + 2)),
    queriesWanted: (partition) => tagged(partition, 'queries-wanted'),
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

/** By what stands behind the hash tag. */
function classify(name: string): KeyKind | undefined {
  if (name === 'quarantine') return { kind: 'quarantine' }
  if (name.startsWith('parked:')) return { kind: 'parked' }
  if (name.startsWith('tr-')) return { kind: 'transfer', id: name }
  if (name.startsWith('rc-')) return { kind: 'receipt', id: name }
  return undefined
}

function homeOf(id: TransferId): number {
  let home = 0
  for (const letter of id.slice(3, 3 + homeLetters)) home = home * 32 + alphabet.indexOf(letter)
  return home
}
