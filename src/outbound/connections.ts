/**
 * Connections that are kept, for many requests to the same places. Each carries one request at a time, and each was checked
 * when it was made (`connector.ts`): what is kept goes to an address that was looked at, and a name that leads elsewhere by
 * now is looked at again with the next connection. They are bounded per origin, so that one that hangs takes no more than
 * its share, and as a whole while they are idle, so that an origin that is called no more is forgotten.
 */
import { type buildConnector, Client } from 'undici'

export interface ConnectionsDeps {
  connect: buildConnector.connector
  clock: () => number
  perOriginMax?: number
  idleMax?: number
  idleMsMax?: number
  ageMsMax?: number
}

export interface Connection {
  client: Client
  /** Answers that were read to their end over it. 0: the next request is its first. */
  uses: number
  madeAt: number
  place: Place
}

interface Place {
  origin: string
  open: number
  /** The last used is used first, so that those too many fall idle. */
  free: Connection[]
  /** Who waits for one, in order. */
  waiting: Set<Ready>
}

type Ready = (connection: Connection) => void

export interface Connections {
  /** `ready` is called at once where there is one, or room for one. What is answered ends the wait. */
  take(origin: string, options: { fresh: boolean }, ready: Ready): () => void
  /** Its answer was read to the end. */
  give(connection: Connection): void
  /** It is closed, with whatever goes on over it. */
  drop(connection: Connection): void
  close(): void
}

/** Above what one endpoint is sent at once by far, since several may be at one origin. */
const usualPerOriginMax = 256
const usualIdleMax = 512
/** Shorter where the other side says so (`keep-alive: timeout=…`). */
const usualIdleMsMax = 10_000
/** A name may have moved: who is called all the time is looked up anew every few minutes. */
const usualAgeMsMax = 5 * 60_000
const headBytesMax = 16 * 1024

export function createConnections({
  connect,
  clock,
  perOriginMax = usualPerOriginMax,
  idleMax = usualIdleMax,
  idleMsMax = usualIdleMsMax,
  ageMsMax = usualAgeMsMax,
}: ConnectionsDeps): Connections {
  const places = new Map<string, Place>()
  /** The one that is idle the longest comes first. */
  const idle = new Set<Connection>()
  const all = new Set<Connection>()

  function open(place: Place): Connection {
    const client = new Client(place.origin, {
      connect,
      pipelining: 1,
      // Time is bounded by whoever waits, over the whole.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: headBytesMax,
      keepAliveTimeout: idleMsMax,
      keepAliveMaxTimeout: idleMsMax,
    })
    const connection: Connection = { client, uses: 0, madeAt: clock(), place }
    client.on('connect', () => {
      connection.uses = 0
      connection.madeAt = clock()
    })
    client.on('disconnect', () => {
      if (idle.has(connection)) drop(connection)
    })
    place.open++
    all.add(connection)
    return connection
  }

  function rest(connection: Connection): void {
    connection.place.free.push(connection)
    idle.add(connection)
    const [longest] = idle
    if (idle.size > idleMax && longest) drop(longest)
  }

  function wake(connection: Connection): void {
    idle.delete(connection)
    const { free } = connection.place
    if (free.at(-1) === connection) free.pop()
    else free.splice(free.indexOf(connection), 1)
  }

  function drop(connection: Connection): void {
    if (!all.delete(connection)) return
    const { client, place } = connection
    if (idle.has(connection)) wake(connection)
    place.open--
    // Not under the feet of the parser, which may be what calls.
    queueMicrotask(() => client.destroy().catch(() => {}))
    const next = shift(place.waiting)
    if (next) next(open(place))
    else if (place.open === 0) places.delete(place.origin)
  }

  return {
    take(origin, { fresh }, ready) {
      const place = places.get(origin) ?? { origin, open: 0, free: [], waiting: new Set() }
      places.set(origin, place)
      const kept = place.free.at(-1)
      if (kept && !fresh) {
        wake(kept)
        ready(kept)
      } else if (place.open < perOriginMax) ready(open(place))
      else place.waiting.add(ready)
      return () => void place.waiting.delete(ready)
    },

    give(connection) {
      connection.uses++
      if (clock() - connection.madeAt > ageMsMax) return drop(connection)
      const next = shift(connection.place.waiting)
      if (next) next(connection)
      else rest(connection)
    },

    drop,

    close() {
      for (const place of places.values()) place.waiting.clear()
      for (const connection of [...all]) drop(connection)
    },
  }
}

function shift(waiting: Set<Ready>): Ready | undefined {
  const [first] = waiting
  if (first) waiting.delete(first)
  return first
}
