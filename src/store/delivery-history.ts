/**
 * What was tried for a subscription, as one list of all partitions, newest first. A page ends where it is full or where
 * enough was looked at; its cursor says how far each partition has been read, so a filter that matches little costs more
 * pages and never a long request.
 */
import type { DeliveryOutcome } from '../domain/delivery.ts'
import type { EventId, SubjectId, SubscriptionId } from '../domain/ids.ts'
import { comparePositions } from '../domain/position.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeNotes, type NotedDelivery } from './codec/deliveries.ts'
import type { HistoryLimits } from './deliveries.ts'
import type { Keys } from './keys.ts'
import { invalidHistoryCursor, readArray } from './waiting-deliveries.ts'

export type HistoryName = 'deliveries' | 'skipped'

export interface HistoryRequest {
  subscription: SubscriptionId
  /** skipped: what was given up, which is kept for longer. */
  of: HistoryName
  outcome?: DeliveryOutcome | undefined
  event?: EventId | undefined
  /** Of `event` too where that is asked for: it says in which partition to look. */
  subject?: SubjectId | undefined
  after?: string | undefined
  limit: number
}

export interface HistoryPage {
  notes: NotedDelivery[]
  next: string | null
}

export interface DeliveryHistory {
  list(request: HistoryRequest): Promise<HistoryPage>
  /** All that is known of one event, oldest first. */
  attemptsOf(subscription: SubscriptionId, event: EventId, subject: SubjectId): Promise<NotedDelivery[]>
  /** Those of a partition that are known to have been taken. */
  deliveredIn(partition: number, subscription: SubscriptionId): Promise<Set<EventId>>
}

export interface DeliveryHistoryDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
  limits: HistoryLimits
  /** Notes that one page looks at. */
  scannedMax?: number
}

/** Entries that are read at once of a partition. One of what was tried may hold the notes of a whole page of the log. */
const chunks = { deliveries: 16, skipped: 128 } as const satisfies Record<HistoryName, number>
const usualScannedMax = 20_000

/** How far a partition was read: of this entry so many notes, from its newest. */
interface Place {
  entry: string
  taken: number
}
type Places = (Place | 'begin' | 'end')[]

interface Source {
  partition: number
  place: Place | 'begin' | 'end'
  /** What was read and not taken yet, newest first. */
  notes: { note: NotedDelivery; place: Place }[]
}

export function createDeliveryHistory(deps: DeliveryHistoryDeps): DeliveryHistory {
  const { redis, keys, clock, limits, scannedMax = usualScannedMax } = deps
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)

  function keyOf(of: HistoryName, partition: number, subscription: SubscriptionId): string {
    return of === 'skipped' ? keys.skipped(partition, subscription) : keys.deliveries(partition, subscription)
  }

  async function refill(source: Source, { of, subscription }: HistoryRequest): Promise<void> {
    const { place, partition } = source
    if (source.notes.length > 0 || place === 'end') return
    const from = place === 'begin' ? '+' : place.entry
    const entries = await redis.xrevrange(keyOf(of, partition, subscription), from, '-', 'COUNT', chunks[of])
    const oldest = clock() - (of === 'skipped' ? limits.logMs : limits.historyMs)
    source.notes = entries.flatMap(([entry, [, text = '']]) => {
      const skip = place !== 'begin' && entry === place.entry ? place.taken : 0
      return decodeNotes(text)
        .reverse()
        .map((note, i) => ({ note, place: { entry, taken: i + 1 } }))
        .slice(skip)
        .filter(({ note }) => note.at >= oldest)
    })
    // What is behind too old an entry is older.
    if (source.notes.length === 0) source.place = 'end'
  }

  async function readAll(
    partition: number,
    request: HistoryRequest,
    onNote: (note: NotedDelivery) => void,
  ): Promise<void> {
    const source: Source = { partition, place: 'begin', notes: [] }
    for (;;) {
      await refill(source, request)
      const last = source.notes.at(-1)
      if (!last) return
      for (const { note } of source.notes) onNote(note)
      source.place = last.place
      source.notes = []
    }
  }

  return {
    async list(request) {
      const places = readCursor(request, keys.partitions)
      const asked = request.subject === undefined ? partitions : [keys.partitionOf(request.subject)]
      const sources = asked.map(
        (partition): Source => ({ partition, place: places[partition] ?? 'end', notes: [] }),
      )
      const wanted = wantedBy(request)
      const notes: NotedDelivery[] = []
      let isOver = false
      for (let scanned = 0; notes.length < request.limit && scanned < scannedMax; scanned++) {
        await Promise.all(sources.filter(isEmpty).map((source) => refill(source, request)))
        const newest = pickNewest(sources)
        const first = newest?.notes.shift()
        isOver = !newest || !first
        if (!newest || !first) break
        newest.place = first.place
        if (wanted(first.note)) notes.push(first.note)
      }
      for (const { partition, place } of sources) places[partition] = place
      return { notes, next: isOver ? null : writeCursor(request.of, places) }
    },

    async attemptsOf(subscription, event, subject) {
      const partition = keys.partitionOf(subject)
      const found: NotedDelivery[] = []
      for (const of of ['deliveries', 'skipped'] as const) {
        await readAll(partition, { subscription, of, limit: 0 }, (note) => {
          if (note.event === event) found.push(note)
        })
      }
      return oldestFirst(found)
    },

    async deliveredIn(partition, subscription) {
      const delivered = new Set<EventId>()
      await readAll(partition, { subscription, of: 'deliveries', limit: 0 }, ({ event, outcome }) => {
        if (outcome === 'delivered') delivered.add(event)
      })
      return delivered
    },
  }
}

function isEmpty({ notes, place }: Source): boolean {
  return notes.length === 0 && place !== 'end'
}

function pickNewest(sources: readonly Source[]): Source | undefined {
  let newest: Source | undefined
  for (const source of sources) {
    const [head] = source.notes
    const [best] = newest?.notes ?? []
    if (head && (!best || comparePositions(head.place.entry, best.place.entry) > 0)) newest = source
  }
  return newest
}

function wantedBy({ outcome, event, subject }: HistoryRequest): (note: NotedDelivery) => boolean {
  return (note) =>
    (outcome === undefined || note.outcome === outcome) &&
    (event === undefined || note.event === event) &&
    (subject === undefined || note.subject === subject)
}

/** What was given up is noted in both streams. */
function oldestFirst(notes: readonly NotedDelivery[]): NotedDelivery[] {
  const byPlace = new Map(
    notes.map((note) => [`${note.run} ${note.number} ${note.outcome} ${note.at}`, note] as const),
  )
  return [...byPlace.values()].sort((a, b) => a.at - b.at || a.number - b.number)
}

const placePattern = /^(\d{1,16}-\d{1,16})\/(\d{1,6})$/

function writeCursor(of: HistoryName, places: Places): string {
  const texts = places.map((place) => (typeof place === 'string' ? place : `${place.entry}/${place.taken}`))
  return Buffer.from(JSON.stringify([of, ...texts])).toString('base64url')
}

function readCursor({ after, of }: HistoryRequest, partitions: number): Places {
  if (after === undefined) return Array.from({ length: partitions }, () => 'begin')
  const [form, ...texts] = readArray(after)
  if (form !== of || texts.length !== partitions) throw invalidHistoryCursor()
  return texts.map(readPlace)
}

function readPlace(text: unknown): Place | 'begin' | 'end' {
  if (text === 'begin' || text === 'end') return text
  const [, entry, taken] = typeof text === 'string' ? (placePattern.exec(text) ?? []) : []
  if (entry === undefined) throw invalidHistoryCursor()
  return { entry, taken: Number(taken) }
}
