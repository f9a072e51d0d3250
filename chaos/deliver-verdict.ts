/**
 * What the log holds beside what each subscriber has had of it. A subscriber's moments are counted and not timed: each
 * arrival and each answer of 2xx is one more.
 */

/** An event as `GET /v1/events` gives it. */
export interface FeedEvent {
  id: string
  type: string
  subject: string
  sequence: number
  partition: number
  /** Of its JSON. */
  digest: string
}

export interface Arrival {
  id: string
  digest: string
  /** Its signature was verified. */
  genuine: boolean
  arrived: number
  /** When it was answered 2xx; missing: it was not. */
  taken?: number
}

/** What `GET /v1/events/head` says of a partition. */
export interface PartitionHead {
  partition: number
  count: number | null
  lastId: string | null
}

export interface DeliverEvidence {
  feed: readonly FeedEvent[]
  head: readonly PartitionHead[]
  /** Whether it is sent to the subscribers. */
  wanted(event: FeedEvent): boolean
  subscribers: readonly { name: string; arrivals: readonly Arrival[] }[]
}

export interface SubscriberVerdict {
  name: string
  taken: number
  missing: string[]
  /** Arrived before what comes before it in its intent was taken. */
  early: string[]
  /** Arrivals of what had been taken before. Harmless: the id says so. */
  repeats: number
  /** Arrivals that were not answered 2xx. */
  refused: number
}

export interface DeliverVerdict {
  events: number
  subscribers: SubscriberVerdict[]
  faults: string[]
}

export const hasDeliverFailed = ({ subscribers, faults }: DeliverVerdict) =>
  faults.length > 0 || subscribers.some(({ missing, early }) => missing.length > 0 || early.length > 0)

export function judgeDeliveries({ feed, head, wanted, subscribers }: DeliverEvidence): DeliverVerdict {
  const expected = feed.filter(wanted)
  const digests = new Map(expected.map(({ id, digest }) => [id, digest]))
  const foreign = subscribers.flatMap(({ name, arrivals }) =>
    arrivals.flatMap((arrival) => describeForeign(name, arrival, digests)),
  )
  return {
    events: expected.length,
    subscribers: subscribers.map(({ name, arrivals }) => judgeSubscriber(name, arrivals, expected)),
    faults: [...compareWithHead(feed, head), ...findGaps(feed), ...new Set(foreign)],
  }
}

function judgeSubscriber(
  name: string,
  arrivals: readonly Arrival[],
  expected: readonly FeedEvent[],
): SubscriberVerdict {
  const arrivedAt = firsts(arrivals, ({ arrived }) => arrived)
  const takenAt = firsts(arrivals, ({ taken }) => taken)
  const bySequence = new Map(expected.map((event) => [placeOf(event), event.id]))
  const early = expected.filter((event) => {
    const before = bySequence.get(placeOf(event, -1))
    const arrived = arrivedAt.get(event.id)
    if (before === undefined || arrived === undefined) return false
    return (takenAt.get(before) ?? Number.POSITIVE_INFINITY) > arrived
  })
  return {
    name,
    taken: takenAt.size,
    missing: expected.filter(({ id }) => !takenAt.has(id)).map(({ id }) => id),
    early: early.map(({ id }) => id),
    repeats: arrivals.filter(({ id, arrived }) => (takenAt.get(id) ?? arrived) < arrived).length,
    refused: arrivals.filter(({ taken }) => taken === undefined).length,
  }
}

const placeOf = ({ subject, sequence }: FeedEvent, by = 0) => `${subject}#${sequence + by}`

function firsts(
  arrivals: readonly Arrival[],
  momentOf: (arrival: Arrival) => number | undefined,
): Map<string, number> {
  const first = new Map<string, number>()
  for (const arrival of arrivals) {
    const moment = momentOf(arrival)
    if (moment === undefined) continue
    first.set(arrival.id, Math.min(moment, first.get(arrival.id) ?? moment))
  }
  return first
}

function describeForeign(name: string, arrival: Arrival, digests: ReadonlyMap<string, string>): string[] {
  const { id, digest, genuine } = arrival
  if (!genuine) return [`${name}: ${id} came with a signature that is not right`]
  const published = digests.get(id)
  if (published === undefined) return [`${name}: ${id} came, and is not what it subscribed to`]
  return published === digest ? [] : [`${name}: ${id} came with another content than the feed has`]
}

/** The head is what a consumer would compare with to see that it has everything. */
function compareWithHead(feed: readonly FeedEvent[], head: readonly PartitionHead[]): string[] {
  const known = new Set(head.map(({ partition }) => partition))
  const strays = feed.filter(({ partition }) => !known.has(partition))
  const differing = head.filter(({ partition, count, lastId }) => {
    const events = feed.filter((event) => event.partition === partition)
    return events.length !== count || (events.at(-1)?.id ?? null) !== lastId
  })
  return [
    ...strays.map(({ id, partition }) => `${id} is in partition ${partition}, of which there is no head`),
    ...differing.map(({ partition }) => `the feed of partition ${partition} is not what its head says`),
  ]
}

function findGaps(feed: readonly FeedEvent[]): string[] {
  const latest = new Map<string, number>()
  const faults: string[] = []
  for (const { id, subject, sequence } of feed) {
    if (sequence !== (latest.get(subject) ?? 0) + 1) faults.push(`${id} does not follow in the feed`)
    latest.set(subject, sequence)
  }
  return faults
}
