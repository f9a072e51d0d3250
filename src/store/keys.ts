/**
 * Every Redis key comes from here. What one commit touches carries one hash tag, `{t:<partition>}`, so that the same
 * script runs on one Redis and on a cluster. The first four letters of an id choose the partition: a batch's transfers take
 * theirs from the batch, and live beside it, and so do the cases of an intent.
 */
import type { CaseState } from '../domain/case.ts'
import type {
  AliasId,
  BatchId,
  CaseId,
  IntentId,
  ReceiptId,
  ReplayId,
  RunId,
  SubscriptionId,
  TransferId,
} from '../domain/ids.ts'

/** What is to be sent, and what is to be asked: neither waits behind the other. */
export const lanes = ['send', 'ask'] as const
export type Lane = (typeof lanes)[number]

export type PlacedId = IntentId | AliasId | CaseId | SubscriptionId

export interface Keys {
  partitions: number
  meta: string
  /** Every account that was ever configured: of one that is not any more something may still lie here. */
  accounts: string
  partitionOf(id: PlacedId): number
  /** Its record; or a pointer to where it lives, the claim of a registration under way, or what is left of it. */
  intent(id: IntentId | AliasId): string
  parked(id: IntentId | AliasId): string
  /** How many receipts of each account are parked. */
  parkedCounts(partition: number): string
  receipt(partition: number, id: ReceiptId): string
  /** What an intent has heard: by receipt, what tells a repeat from news. */
  heard(id: IntentId): string
  ready(partition: number): string
  events(partition: number): string
  /** An account's pending intents, by when something is to be done about them next. */
  watch(partition: number, account: string): string
  /** Those of them whose turn it is, by how much money they are about. One that is not watched any more is passed over. */
  turn(partition: number, account: string, lane: Lane): string
  /** When the provider was last asked about it, for as long as it is not to be asked again. */
  askedAt(id: IntentId): string
  /** Those that take longer than the account allows. */
  overdue(partition: number, account: string): string
  /** By account and class, how long it took until a callback settled something. */
  delays(partition: number): string
  /** An account's final intents, by since when. */
  final(partition: number, account: string): string
  /** By account, up to which time of settling its callbacks have left before what they are about. */
  receiptsLeft(partition: number): string
  /** The lease of whoever moves things into the archive. */
  archiving(partition: number): string
  /** The position of the last entry that has left the log. */
  logLeft(partition: number): string
  /** By account and class, how many callbacks were repeats. */
  repeats(partition: number): string
  /** A batch's figures by state of its transfers, and the transfers in their order. */
  totals(id: BatchId): string
  members(id: BatchId): string
  /** The batches whose totals have moved so that something may follow. */
  dueBatches(partition: number): string
  /** The names that are to lead to an intent, and do not yet. */
  dueLinks(partition: number): string
  /** The pay-ins under one reference of ours, by time. */
  listed(name: AliasId): string
  /** The batches whose transfers the provider is to be asked about. */
  askedBatches(partition: number): string
  /** Every batch that is not archived, by when its books were last audited. */
  audits(partition: number): string
  /** The registrations that are under way, by when they began; and what each has still to write. */
  registering(partition: number): string
  draft(id: BatchId | TransferId): string
  /** Cases by id; by account and state, an index; and the accounts that have or had any. */
  cases(partition: number): string
  casesIn(partition: number, account: string, state: CaseState): string
  caseAccounts(partition: number): string
  /** Subscriptions by id, their replays by run, and how their endpoints fare: each where the subscription's id says. */
  subscriptions(partition: number): string
  replays(partition: number): string
  endpoints(partition: number): string
  /** How far each run has come in this partition's log, and when it is to be looked at next. */
  runs(partition: number): string
  runsDue(partition: number): string
  /** Of a run, what could not be delivered yet: by intent, its events in their order; and by when it is tried next. */
  lines(partition: number, run: RunId): string
  linesDue(partition: number, run: RunId): string
  /** What was tried for a subscription, and what was given up. */
  deliveries(partition: number, subscription: SubscriptionId): string
  skipped(partition: number, subscription: SubscriptionId): string
  /**
   * Replays of callbacks, by id; those that run; and of each its plan, its steps, what failed again, and the lease of who
   * works on it. They are few, and lie together.
   */
  callbackReplays: string
  callbackReplaysRunning: string
  callbackReplay(id: ReplayId, part: 'plan' | 'steps' | 'failures' | 'lease'): string
  /** The key that a person's data is sealed under, sealed itself. */
  person(partition: number, digest: string): string
  /** The intents for one person, under the keyed digest of who it is. */
  payee(partition: number, digest: string): string
  /** An account's refused callbacks: an index by id, and the entries. One tag, so that one script keeps and trims. */
  quarantineIndex(account: string): string
  quarantine(account: string): string
  /** How often, and when last, each key of an account verified a callback. */
  keyUsage(account: string): string
  /** The same of the reasons why its callbacks were refused. */
  refusals(account: string): string
  /** What of its provider's limits is used up, and how its breaker stands; and how many calls came to what. */
  calls(account: string): string
  callCounts(account: string): string
  /** Set while an operator has paused its submissions. */
  pause(account: string): string
  /** What it holds at its provider, for a minute. */
  balance(account: string): string
  /** What people did: the entries, the last of them, what the oldest hangs on, and what was asked and has not ended. */
  audit: string
  auditHead: string
  auditAnchor: string
  auditOpen: string
  /** Who may sign in by name and password. */
  operators: string
  /** How often in a row a sign-in failed, under the digest of a name or a source; and that it has to wait. */
  signInFailures(kind: string, digest: string): string
  signInLock(kind: string, digest: string): string
  /** For SCAN: every key that belongs to a partition or an account. */
  scanPattern: string
  /** The same of what is parked, and of the receipts that were decided on. */
  parkedPattern: string
  receiptPattern: string
  /** Of a key that such a scan has found: what waits under it, or whose it is. */
  nameIn(key: string): string
  /** What a key of the scan holds; undefined for what nobody scans for. */
  classify(key: string): KeyKind | undefined
  /** Where a script says that the log has grown. */
  wakeChannel: string
}

export type KeyKind =
  | { kind: 'person'; digest: string }
  | { kind: 'intent'; id: IntentId }
  | { kind: 'parked' }
  | { kind: 'quarantine' }

const homeLetters = 4
const intentPattern = /^(tr|ba|co|pi)-[0-9a-z]{26}$/
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export function createKeys(prefix: string, partitions: number): Keys {
  const tagged = (partition: number, ...rest: string[]) => [prefix, `{t:${partition}}`, ...rest].join(':')
  const ofAccount = (account: string, name: string) => `${prefix}:{a:${account}}:${name}`
  const partitionOf = (id: PlacedId) => homeOf(id) % partitions
  const beside = (id: PlacedId, name: string) => tagged(partitionOf(id), name, id)
  return {
    partitions,
    meta: `${prefix}:meta`,
    accounts: `${prefix}:accounts`,
    partitionOf,
    intent: (id) => tagged(partitionOf(id), id),
    parked: (id) => beside(id, 'parked'),
    parkedCounts: (partition) => tagged(partition, 'parked-counts'),
    receipt: (partition, id) => tagged(partition, id),
    heard: (id) => beside(id, 'heard'),
    ready: (partition) => tagged(partition, 'ready'),
    events: (partition) => tagged(partition, 'events'),
    watch: (partition, account) => tagged(partition, 'watch', account),
    turn: (partition, account, lane) => tagged(partition, `turn-${lane}`, account),
    askedAt: (id) => beside(id, 'asked-at'),
    overdue: (partition, account) => tagged(partition, 'overdue', account),
    delays: (partition) => tagged(partition, 'delays'),
    final: (partition, account) => tagged(partition, 'final', account),
    receiptsLeft: (partition) => tagged(partition, 'receipts-left'),
    archiving: (partition) => tagged(partition, 'archiving'),
    logLeft: (partition) => tagged(partition, 'log-left'),
    repeats: (partition) => tagged(partition, 'repeats'),
    totals: (id) => beside(id, 'totals'),
    members: (id) => beside(id, 'members'),
    dueBatches: (partition) => tagged(partition, 'due-batches'),
    dueLinks: (partition) => tagged(partition, 'due-links'),
    listed: (name) => beside(name, 'listed'),
    askedBatches: (partition) => tagged(partition, 'asked-batches'),
    audits: (partition) => tagged(partition, 'audits'),
    registering: (partition) => tagged(partition, 'registering'),
    draft: (id) => beside(id, 'draft'),
    cases: (partition) => tagged(partition, 'cases'),
    casesIn: (partition, account, state) => tagged(partition, `cases-${state}`, account),
    caseAccounts: (partition) => tagged(partition, 'case-accounts'),
    subscriptions: (partition) => tagged(partition, 'subscriptions'),
    replays: (partition) => tagged(partition, 'replays'),
    endpoints: (partition) => tagged(partition, 'endpoints'),
    runs: (partition) => tagged(partition, 'runs'),
    runsDue: (partition) => tagged(partition, 'runs-due'),
    lines: (partition, run) => tagged(partition, 'lines', run),
    linesDue: (partition, run) => tagged(partition, 'lines-due', run),
    deliveries: (partition, subscription) => tagged(partition, 'deliveries', subscription),
    skipped: (partition, subscription) => tagged(partition, 'skipped', subscription),
    callbackReplays: tagged(0, 'callback-replays'),
    callbackReplaysRunning: tagged(0, 'callback-replays-running'),
    callbackReplay: (id, part) => tagged(0, `callback-replay-${part}`, id),
    person: (partition, digest) => tagged(partition, 'person', digest),
    payee: (partition, digest) => tagged(partition, 'to', digest),
    quarantineIndex: (account) => ofAccount(account, 'quarantine-index'),
    quarantine: (account) => ofAccount(account, 'quarantine'),
    keyUsage: (account) => ofAccount(account, 'key-usage'),
    refusals: (account) => ofAccount(account, 'refusals'),
    calls: (account) => ofAccount(account, 'calls'),
    callCounts: (account) => ofAccount(account, 'call-counts'),
    pause: (account) => ofAccount(account, 'pause'),
    balance: (account) => ofAccount(account, 'balance'),
    audit: `${prefix}:{audit}:log`,
    auditHead: `${prefix}:{audit}:head`,
    auditAnchor: `${prefix}:{audit}:anchor`,
    auditOpen: `${prefix}:{audit}:open`,
    operators: `${prefix}:operators`,
    signInFailures: (kind, digest) => `${prefix}:sign-in-failures:${kind}:${digest}`,
    signInLock: (kind, digest) => `${prefix}:sign-in-lock:${kind}:${digest}`,
    scanPattern: `${prefix}:{?:*}:*`,
    parkedPattern: `${prefix}:{t:*}:parked:*`,
    receiptPattern: `${prefix}:{t:*}:rc-*`,
    nameIn: (key) => key.slice(key.lastIndexOf(':') + 1),
    classify: (key) => classify(key.slice(key.indexOf('}:') + 2)),
    wakeChannel: `${prefix}:wake`,
  }
}

/** By what stands behind the hash tag. */
function classify(name: string): KeyKind | undefined {
  if (name === 'quarantine') return { kind: 'quarantine' }
  if (name.startsWith('parked:')) return { kind: 'parked' }
  if (intentPattern.test(name)) return { kind: 'intent', id: name as IntentId }
  if (name.startsWith('person:')) return { kind: 'person', digest: name.slice('person:'.length) }
  return undefined
}

function homeOf(id: PlacedId): number {
  let home = 0
  const start = id.indexOf('-') + 1
  for (let i = start; i < start + homeLetters; i++) home = home * 32 + alphabet.indexOf(id.charAt(i))
  return home
}
