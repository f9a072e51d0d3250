/** Which callbacks a query names: from failed jobs and their open cases, from what is parked, from what is recorded. */
import { type ReplayQuery, type ReplayStep, replaySources } from '../../domain/callback-replay.ts'
import { type IntentId, type ReceiptId, readCaseId, readReceiptId, receiptIdFloor } from '../../domain/ids.ts'
import type { Cases } from '../../store/cases.ts'
import {
  batchIdOf,
  couponIdOf,
  readBatchId,
  readCollectionId,
  readCouponId,
  readTransferId,
  transferIdOf,
} from '../../store/ids.ts'
import type { IntentStore } from '../../store/intents.ts'
import type { Parked, ParkedReceipt } from '../../store/parked.ts'
import type { ReceiptFinder } from '../../store/receipts.ts'
import type { ListRecorded } from '../../store/recorded.ts'
import type { FailedJob, FailedJobs } from './failed-jobs.ts'

export interface ChooseDeps {
  jobs: Pick<FailedJobs, 'list' | 'find'>
  cases: Pick<Cases, 'list' | 'find'>
  parked: Pick<Parked, 'list' | 'under'>
  receipts: ReceiptFinder
  listRecorded: ListRecorded
  intents: Pick<IntentStore, 'find' | 'listReceipts'>
  /** All that are configured. */
  accounts: readonly string[]
}

/** In the order in which they came, which their ids tell. */
export type Choose = (query: ReplayQuery) => Promise<ReplayStep[]>

type Add = (step: ReplayStep) => void
type Matches = (one: { id: ReceiptId; account: string }) => boolean

const casesAtOnce = 500

export function createChoose(deps: ChooseDeps): Choose {
  const { jobs, cases, parked, receipts, intents } = deps

  async function chooseFailed(query: ReplayQuery, matches: Matches, add: Add): Promise<void> {
    const isNamed = namedIn(query.ids)
    const take = (job: FailedJob) => {
      const isWanted = query.code === undefined || job.code === query.code
      if (!isWanted || !job.holds.some((one) => matches(one) && isNamed(job.id, one.id))) return
      // One that holds several failed as a whole, and is mended as a whole.
      const last = job.holds
        .map(({ id }) => id)
        .sort()
        .at(-1)
      for (const { id, account } of job.holds)
        add({ receipt: id, account, job: job.id, ...(job.holds.length > 1 && amongOthers(id === last)) })
    }
    if (await takeByName(query, take)) return
    for await (const some of jobs.list()) some.forEach(take)
    // What such a one is about is not known.
    if (query.reference === undefined) await addCases(query, matches, isNamed, add)
  }

  /** True where every one that was named is a failed job of this name. */
  async function takeByName({ ids }: ReplayQuery, take: (job: FailedJob) => void): Promise<boolean> {
    if (!ids) return false
    const found = await Promise.all(ids.map((id) => jobs.find(id)))
    for (const job of found) if (job) take(job)
    return found.every((job) => job !== undefined)
  }

  /** Of those whose job is gone, as one that was removed by hand. */
  async function addCases(
    query: ReplayQuery,
    matches: Matches,
    isNamed: (...names: string[]) => boolean,
    add: Add,
  ): Promise<void> {
    let after: string | undefined
    do {
      const page = await cases.list({ account: query.account, state: 'open', after, limit: casesAtOnce })
      for (const one of page.cases) {
        if (one.kind !== 'callback-not-applied') continue
        if (query.code !== undefined && one.code !== query.code) continue
        const { receipt, account } = one
        if (matches({ id: receipt, account }) && isNamed(one.id, receipt)) add({ receipt, account })
      }
      after = page.next ?? undefined
    } while (after !== undefined)
  }

  async function chooseParked({ ids, reference, account }: ReplayQuery, matches: Matches, add: Add) {
    const isNamed = namedIn(ids)
    const take = ({ target, receipt }: ParkedReceipt) => {
      if (matches(receipt) && isNamed(receipt.id, target))
        add({ receipt: receipt.id, account: receipt.account, parked: target })
    }
    if (reference !== undefined && !ids) {
      for (const target of targetsOf(account, reference)) (await parked.under(target)).forEach(take)
      return
    }
    for await (const some of parked.list()) some.forEach(take)
  }

  async function chooseRecorded(query: ReplayQuery, matches: Matches, add: Add): Promise<void> {
    const { ids, reference, account } = query
    if (!ids && reference === undefined) {
      const wants = (id: ReceiptId) => matches({ id, account: account ?? '' })
      for await (const some of deps.listRecorded(wants))
        for (const one of some)
          if (matches(one)) add({ receipt: one.id, account: one.account, recorded: true })
      return
    }
    const named = ids ? await receiptsNamed(ids) : await receiptsOf(targetsOf(account, reference ?? ''))
    for (const id of named) {
      const found = await receipts.find(id)
      if (found && matches(found.receipt))
        add({ receipt: id, account: found.receipt.account, recorded: true })
    }
  }

  async function receiptsNamed(ids: readonly string[]): Promise<ReceiptId[]> {
    const lists = await Promise.all(
      ids.map(async (name): Promise<ReceiptId[]> => {
        const receipt = readReceiptId(name)
        if (receipt) return [receipt]
        const caseId = readCaseId(name)
        const known = caseId && (await cases.find(caseId))
        if (known) return known.kind === 'callback-not-applied' ? [known.receipt] : known.receipts
        const intent = readIntentId(name)
        return intent ? receiptsOf([intent]) : []
      }),
    )
    return lists.flat()
  }

  async function receiptsOf(targets: readonly IntentId[]): Promise<ReceiptId[]> {
    const lists = await Promise.all(
      targets.map(async (target) => {
        const intent = await intents.find(target)
        return intent ? intents.listReceipts(intent.id) : []
      }),
    )
    return lists.flat()
  }

  function targetsOf(account: string | undefined, reference: string): IntentId[] {
    const accounts = account === undefined ? deps.accounts : [account]
    return accounts.flatMap((one) => [
      transferIdOf(one, reference),
      batchIdOf(one, reference),
      couponIdOf(one, reference),
    ])
  }

  return async (query) => {
    const from = new Set(query.from ?? (query.ids ? replaySources : ['failed']))
    const chosen = new Map<ReceiptId, ReplayStep>()
    const add: Add = (step) => {
      // Where it lies first counts: a failed job has to be seen to, whatever else knows the receipt.
      if (!chosen.has(step.receipt)) chosen.set(step.receipt, step)
    }
    const matches = matcherOf(query)
    if (from.has('failed')) await chooseFailed(query, matches, add)
    // Only what failed has a code.
    if (query.code === undefined) {
      if (from.has('parked')) await chooseParked(query, matches, add)
      if (from.has('recorded')) await chooseRecorded(query, matches, add)
    }
    return [...chosen.values()].sort((a, b) => (a.receipt < b.receipt ? -1 : 1))
  }
}

function amongOthers(isLast: boolean): Pick<ReplayStep, 'among' | 'last'> {
  return { among: true, ...(isLast && { last: true }) }
}

/** An id begins with the time at which its callback came. */
function matcherOf({ account, since, until }: ReplayQuery): Matches {
  const from = since === undefined ? '' : receiptIdFloor(since)
  const till = until === undefined ? '~' : receiptIdFloor(until)
  return (one) => (account === undefined || one.account === account) && one.id >= from && one.id < till
}

function namedIn(ids: readonly string[] | undefined): (...names: string[]) => boolean {
  const wanted = ids && new Set(ids)
  return (...names) => !wanted || names.some((name) => wanted.has(name))
}

function readIntentId(text: string): IntentId | undefined {
  return readTransferId(text) ?? readBatchId(text) ?? readCouponId(text) ?? readCollectionId(text)
}
