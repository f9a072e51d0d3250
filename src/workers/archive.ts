/**
 * Moves what is settled, and has been for its time, from Redis to the archive: first the lines, and when they are on disk
 * the step that takes it out of Redis. What is not settled never leaves, nor what a person still has to look at. A
 * sweep that dies is followed by another, which begins with what is still there.
 */
import type { IntentId, ReceiptId } from '../domain/ids.ts'
import type { Archive } from '../store/archive.ts'
import { noteReceiptPlace } from '../store/codec/heard.ts'
import { toIntentLine, toReceiptLine } from '../store/codec/kept-intent.ts'
import { decodeReceipt } from '../store/codec/receipt.ts'
import { mayComeBack } from '../store/commit.ts'
import type { Lease } from '../store/lease.ts'
import type { Leaving, Standing } from '../store/leaving.ts'
import type { LogLeaving } from '../store/log-leaving.ts'
import { returnsMs } from './watch/times.ts'

export interface ArchiveSweepDeps {
  partitions: number
  leaving: Leaving
  log: LogLeaving
  archive: Pick<Archive, 'append'>
  leaseOf(partition: number): Lease
  retentionOf(account: string): { finalMs: number; receiptMs: number }
  logMs: number
  clock: () => number
  /** What is in the way of one account or of a log is in nobody else's. */
  onFailure(error: unknown, about: { partition: number; account?: string }): void
}

export interface Archived {
  intents: number
  receipts: number
  events: number
}

/** Ends early where it is told to stop. */
export type ArchiveSweep = (signal: AbortSignal) => Promise<Archived>

/** Of one append: a few hundred kilobytes. */
const intentsAtOnce = 64
const eventsAtOnce = 512

/** The lease is still ours, and nobody wants us to stop. */
type GoesOn = () => Promise<boolean>

/** Where each receipt of an intent has gone. */
type Places = Map<ReceiptId, string>

export function createArchiveSweep(deps: ArchiveSweepDeps): ArchiveSweep {
  const { leaving, log, archive, clock } = deps

  /** The receipts of all of them in one append. */
  async function archiveReceipts(
    standings: readonly Standing[],
    isDue: (text: string) => boolean,
  ): Promise<Places[]> {
    const due = standings.flatMap((standing, i) =>
      [...standing.receipts]
        .filter(([, text]) => isDue(text))
        .map(([id, text]) => ({ i, id, text, standing })),
    )
    const places = await archive.append(due.map(({ text, standing }) => toReceiptLine(text, standing.intent)))
    const found: Places[] = standings.map(() => new Map())
    for (const [n, { i, id }] of due.entries()) found[i]?.set(id, places[n] ?? '')
    return found
  }

  async function archiveIntents(standings: readonly Standing[], counts: Archived): Promise<boolean[]> {
    const receipts = await archiveReceipts(standings, () => true)
    const places = await archive.append(
      standings.map((standing, i) =>
        toIntentLine({ ...standing, heard: withPlaces(standing, receipts[i] ?? new Map()) }),
      ),
    )
    const left = await leaving.leave(
      standings.map((standing, i) => ({
        standing,
        place: places[i] ?? '',
        receipts: receipts[i] ?? new Map(),
      })),
    )
    for (const [i, has] of left.entries()) {
      if (!has) continue
      counts.intents++
      counts.receipts += receipts[i]?.size ?? 0
    }
    return left
  }

  /** What a bank may still send back is looked for as long as it is here. */
  function isDone({ intent }: Standing): boolean {
    return !mayComeBack(intent) || clock() - intent.updatedAt >= returnsMs
  }

  async function sweepIntents(partition: number, account: string, goesOn: GoesOn, counts: Archived) {
    const until = clock() - deps.retentionOf(account).finalMs
    const inCases = await leaving.listInCases(partition, account)
    for (let stayed = 0; ; ) {
      const page = await leaving.list(partition, account, {
        from: Number.NEGATIVE_INFINITY,
        until,
        offset: stayed,
        limit: intentsAtOnce,
      })
      if (page.length === 0) return
      const standings = await readDue(
        page.map(({ id }) => id),
        inCases,
      )
      const left = await archiveIntents(standings.filter(isDone), counts)
      stayed += page.length - left.filter(Boolean).length
      if (!(await goesOn())) return
    }
  }

  async function readDue(ids: readonly IntentId[], inCases: ReadonlySet<string>): Promise<Standing[]> {
    const free = ids.filter((id) => !inCases.has(id.slice('tr-'.length)))
    return (await leaving.read(free)).filter((one) => one !== undefined)
  }

  /** Receipts that are to leave before what they are about. Where one came later than the others it leaves with that. */
  async function sweepReceipts(partition: number, account: string, goesOn: GoesOn, counts: Archived) {
    const { finalMs, receiptMs } = deps.retentionOf(account)
    if (receiptMs >= finalMs) return
    const until = clock() - receiptMs
    const inCases = await leaving.listInCases(partition, account)
    const from = await leaving.readReceiptsLeft(partition, account)
    for (let offset = 0; ; offset += intentsAtOnce) {
      const page = await leaving.list(partition, account, { from, until, offset, limit: intentsAtOnce })
      const last = page.at(-1)
      if (!last) return
      const standings = await readDue(
        page.map(({ id }) => id),
        inCases,
      )
      const receipts = await archiveReceipts(standings, (text) => decodeReceipt(text).decidedAt <= until)
      const leavers = standings
        .map((standing, i) => ({ standing, receipts: receipts[i] ?? new Map() }))
        .filter((one) => one.receipts.size > 0)
      const left = await leaving.leaveReceipts(leavers)
      for (const [i, has] of left.entries()) if (has) counts.receipts += leavers[i]?.receipts.size ?? 0
      await leaving.noteReceiptsLeft(partition, account, last.since)
      if (!(await goesOn())) return
    }
  }

  async function sweepLog(partition: number, goesOn: GoesOn, counts: Archived) {
    for (;;) {
      const old = await log.readOlder(partition, clock() - deps.logMs, eventsAtOnce)
      if (!old) return
      await archive.append(old.lines)
      if (!(await log.trim(partition, old.last))) return
      counts.events += old.lines.length
      if (!(await goesOn())) return
    }
  }

  async function attempt(about: { partition: number; account?: string }, act: () => Promise<void>) {
    try {
      await act()
    } catch (error) {
      deps.onFailure(error, about)
    }
  }

  return async (signal) => {
    const counts: Archived = { intents: 0, receipts: 0, events: 0 }
    const accounts = await leaving.accounts()
    for (let partition = 0; partition < deps.partitions; partition++) {
      const lease = deps.leaseOf(partition)
      if (signal.aborted || !(await lease.take())) continue
      const goesOn = async () => !signal.aborted && (await lease.renew())
      try {
        for (const account of accounts) {
          await attempt({ partition, account }, async () => {
            await sweepIntents(partition, account, goesOn, counts)
            await sweepReceipts(partition, account, goesOn, counts)
          })
        }
        await attempt({ partition }, () => sweepLog(partition, goesOn, counts))
      } finally {
        await lease.release()
      }
    }
    return counts
  }
}

function withPlaces({ heard }: Standing, places: Places): Standing['heard'] {
  const all = { ...heard }
  for (const [id, place] of places) all[id] = noteReceiptPlace(heard[id] ?? '', place)
  return all
}
