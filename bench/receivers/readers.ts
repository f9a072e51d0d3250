/**
 * Readers of the stream, many at its head and some from its beginning, as one process. Those from the beginning start
 * over when they have come to where the log ended, so that they never become readers at the head. They count and do
 * nothing else with what comes, since they share the machine with what is measured.
 */
import { tellCpu } from '../processes.ts'
import { openStream, type StreamPlace, type StreamReader } from '../stream-reader.ts'

export interface ReadersOrder {
  apiUrl: string
  token: string
  /** Behind what is in the log. */
  cursor: string
  atHead: number
  fromStart: number
  /** How many events there are from the beginning to where the log ended. */
  events: number
}

export interface ReadersResult {
  seconds: number
  atHead: number
  replayed: number
  broken: number
}

const mark = Buffer.from('\nevent: ')
const counts = { atHead: 0, replayed: 0, broken: 0 }
let readers: StreamReader[] = []
let openedAt = 0
let stopped = false

process.on('message', (message: ReadersOrder | 'stop' | 'cpu') => {
  if (message === 'cpu') return tellCpu()
  if (message === 'stop') return stop()
  void begin(message).then(() => process.send?.({ open: readers.length }))
})

async function begin({ apiUrl, token, cursor, atHead, fromStart, events }: ReadersOrder): Promise<void> {
  Object.assign(counts, { atHead: 0, replayed: 0, broken: 0 })
  stopped = false
  readers = []
  openedAt = performance.now()
  const onEnd = () => void counts.broken++
  const place: StreamPlace = { apiUrl, token, query: `after=${encodeURIComponent(cursor)}` }
  const count = (chunk: Buffer) => {
    counts.atHead += marksIn(chunk)
  }
  for (let i = 0; i < atHead; i++) readers.push(await openStream(place, count, onEnd))
  for (let i = 0; i < fromStart; i++) await replay({ apiUrl, token, query: '' }, events, onEnd)
}

async function replay(place: StreamPlace, events: number, onEnd: () => void): Promise<void> {
  let read = 0
  const take = (chunk: Buffer) => {
    const marks = marksIn(chunk)
    counts.replayed += marks
    read += marks
    if (read < events || stopped) return
    read = Number.NEGATIVE_INFINITY
    reader.close()
    readers.splice(readers.indexOf(reader), 1)
    void replay(place, events, onEnd)
  }
  const reader = await openStream(place, take, onEnd)
  if (stopped) reader.close()
  else readers.push(reader)
}

/** One that is cut in two by the end of a chunk is missed; they are few. */
function marksIn(chunk: Buffer): number {
  let marks = 0
  for (let at = chunk.indexOf(mark); at >= 0; at = chunk.indexOf(mark, at + mark.length)) marks++
  return marks
}

function stop(): void {
  stopped = true
  for (const reader of readers) reader.close()
  const seconds = (performance.now() - openedAt) / 1000
  process.send?.({ seconds, ...counts } satisfies ReadersResult)
}
