import { AppError } from '../domain/errors.ts'
import type { Intent } from '../domain/intent.ts'
import type { OpenReceipt, Receipt, ReceiptOutcome } from '../domain/receipt.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from './archive.ts'
import { type CommitOutcome, type CommitRequest, composeCommit, readCommit } from './commit.ts'
import type { Keys } from './keys.ts'
import { createLinks, linksOf } from './links.ts'
import { createIntentReader, type IntentReader, type Target } from './load-intents.ts'
import { createPayoutNumbers, type PayoutNumbers } from './payout-numbers.ts'
import { commitCommand } from './scripts.ts'
import { type Command, runTogether, splitForScripts } from './together.ts'
import {
  createTransaction,
  readTransactions,
  type Transaction,
  type TransactionOutcome,
  toCall,
} from './transaction.ts'
import { receiptPlace, type Sealer, type Vault } from './vault.ts'

export type { Loaded, LoadedTotals, Target } from './load-intents.ts'

export interface ParkRequest {
  target: Target
  account: string
  receipt: OpenReceipt
}

/** `registered`: it is there by now, so decide instead. `full`: the account has its share parked. */
export type ParkOutcome = 'parked' | 'registered' | 'full'

export interface IntentStore extends Omit<IntentReader, 'revivalOf'>, PayoutNumbers {
  /** Each by itself: one that fails says nothing about the others. */
  commitAll(requests: readonly CommitRequest[]): Promise<(CommitOutcome | Error)[]>
  parkAll(requests: readonly ParkRequest[]): Promise<(ParkOutcome | Error)[]>
  commit(request: CommitRequest): Promise<CommitOutcome>
  find(target: Target): Promise<Intent | undefined>
  /** The provider is to be asked about it now; false where that was so already. */
  ask(intent: Pick<Intent, 'id' | 'account'>, at: number): Promise<boolean>
}

/** At once in one script, which holds up everybody else for well under a millisecond. */
const writtenMax = 16

export interface IntentStoreDeps {
  redis: RedisClient
  keys: Keys
  sealer: Sealer
  vault: Vault
  archive: Pick<Archive, 'read'>
  /** Of each account, over all partitions. */
  parkedMax(account: string): number
}

export function createIntentStore(deps: IntentStoreDeps): IntentStore {
  const { redis, keys, sealer, vault } = deps
  const links = createLinks({ redis, keys })
  const reader = createIntentReader(deps)

  /** Several go out in one call. Where a call fails, so do all of it; those that were written are found so when they come again. */
  async function runAll(
    transactions: readonly Transaction[],
    mode: 'quiet' | '' = '',
  ): Promise<(TransactionOutcome | Error)[]> {
    const names = transactions.map((transaction) => transaction.place())
    const parts = splitForScripts(redis, names, writtenMax)
    const commands = parts.map((part): Command => {
      const call = toCall(
        part.map((i) => transactions[i] as Transaction),
        mode,
      )
      return [commitCommand, call.keys.length, ...call.keys, ...call.args]
    })
    const outcomes: (TransactionOutcome | Error)[] = []
    for (const [n, answer] of (await runTogether(redis, commands)).entries()) {
      const read = answer instanceof Error ? undefined : readTransactions(answer)
      for (const [k, i] of (parts[n] ?? []).entries()) outcomes[i] = read?.[k] ?? (answer as Error)
    }
    return outcomes
  }

  /** Bodies are sealed for the person whom the intent is about. */
  async function sealBodies(requests: readonly CommitRequest[]): Promise<(string | undefined)[]> {
    const owned = requests.flatMap((request, i) => {
      const intent = request.before ?? request.steps[0]?.intent
      if (!request.receipt || !intent) return []
      const { open, other } = request.receipt
      const { id, opened } = open
      const { person, sealed: beside } = intent.personal
      const isForPerson = needsPerson.has(request.receipt.outcome)
      return [{ i, id, opened, partition: keys.partitionOf(intent.id), person, other, beside, isForPerson }]
    })
    const sealed = await vault.sealBodies(owned)
    const bodies: (string | undefined)[] = requests.map(() => undefined)
    for (const [n, { i }] of owned.entries()) bodies[i] = sealed[n]
    return bodies
  }

  async function commitAll(requests: readonly CommitRequest[]): Promise<(CommitOutcome | Error)[]> {
    const bodies = await sealBodies(requests)
    const answers = await runAll(
      requests.map((request, i) =>
        composeCommit(keys, request, bodies[i], {
          revival: request.before && reader.revivalOf(request.before),
        }),
      ),
      'quiet',
    )
    await makeLinks(requests.filter((_, i) => isWritten(answers[i])))
    return answers.map((answer, i) =>
      answer instanceof Error ? answer : readCommit(answer, requests[i] as CommitRequest),
    )
  }

  /** What is committed is committed: a link that cannot be made now stays due, and the sweep makes it. */
  async function makeLinks(written: readonly CommitRequest[]): Promise<void> {
    const due = written.flatMap(({ before, steps }) => {
      const after = steps.at(-1)?.intent
      return after ? linksOf(before, after) : []
    })
    await links.make(due).catch(() => {})
  }

  function composeParking({ target, account, receipt }: ParkRequest): Transaction {
    const { opened, ...head } = receipt
    const parked: Receipt = { ...head, body: sealer.seal(opened, receiptPlace(receipt.id)) }
    // Each partition has its share of the limit, so that one step can hold to it.
    const max = Math.ceil(deps.parkedMax(account) / keys.partitions)
    const counts = keys.parkedCounts(keys.partitionOf(target))
    return createTransaction()
      .check('waiting', keys.intent(target))
      .park(keys.parked(target), { counts, account, id: receipt.id, receipt: JSON.stringify(parked), max })
  }

  return {
    ...createPayoutNumbers(deps),
    load: reader.load,
    findReceipt: reader.findReceipt,
    listReceipts: reader.listReceipts,
    listMembers: reader.listMembers,
    commitAll,
    async commit(request) {
      const [outcome] = await commitAll([request])
      if (!outcome || outcome instanceof Error) throw outcome ?? new AppError('internal-error')
      return outcome
    },
    async parkAll(requests) {
      const answers = await runAll(requests.map(composeParking))
      return answers.map((answer) => {
        if (answer instanceof Error) return answer
        if (answer.outcome === 'failed') return 'registered'
        return answer.results[0] === 1 ? 'parked' : 'full'
      })
    },
    async find(target) {
      const [loaded] = await reader.load([target])
      if (loaded?.outcome === 'unreadable') throw loaded.error
      return loaded?.outcome === 'found' ? loaded.intent : undefined
    },
    async ask({ id, account }, at) {
      return (await redis.zadd(keys.watch(keys.partitionOf(id), account), 'LT', 'CH', at, id)) === 1
    },
  }
}

function isWritten(answer: TransactionOutcome | Error | undefined): boolean {
  return answer !== undefined && !(answer instanceof Error) && answer.outcome === 'written'
}

/** What a person is shown, and may have decided anew. */
const needsPerson: ReadonlySet<ReceiptOutcome> = new Set(['held', 'awaits-person'])
