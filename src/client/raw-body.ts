/** The bytes of a request as they came, up to a cap. */

/** What is used of a request of Node.js or Express. */
export interface DeliveryRequest {
  method?: string | undefined
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** As `express.raw()` leaves it. */
  body?: unknown
  /** As some hosts leave it beside a parsed body. */
  rawBody?: unknown
  readableEnded?: boolean | undefined
  on(event: 'data' | 'end' | 'error' | 'close', listener: (value?: unknown) => void): unknown
  off(event: 'data', listener: (value?: unknown) => void): unknown
  pause(): unknown
}

export type RawBody =
  | { outcome: 'read'; bytes: Uint8Array | string }
  | { outcome: 'too-large' }
  /** Something before us has parsed it: the bytes are gone. */
  | { outcome: 'parsed' }

export async function readRawBody(request: DeliveryRequest, maxBytes: number): Promise<RawBody> {
  const given = [request.rawBody, request.body].find(isRaw)
  if (given !== undefined) {
    const length = typeof given === 'string' ? Buffer.byteLength(given) : given.byteLength
    return length <= maxBytes ? { outcome: 'read', bytes: given } : { outcome: 'too-large' }
  }
  if (request.readableEnded) return { outcome: 'parsed' }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return { outcome: 'too-large' }
  return readStream(request, maxBytes)
}

/** By its events: leaving an iteration early would close the connection, and with it the way for an answer. */
function readStream(request: DeliveryRequest, maxBytes: number): Promise<RawBody> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const onData = (chunk: unknown) => {
      const bytes = chunk as Uint8Array
      length += bytes.byteLength
      if (length <= maxBytes) {
        chunks.push(bytes)
        return
      }
      request.off('data', onData)
      request.pause()
      resolve({ outcome: 'too-large' })
    }
    request.on('data', onData)
    request.on('end', () => resolve({ outcome: 'read', bytes: Buffer.concat(chunks) }))
    request.on('error', reject)
    request.on('close', () => reject(new Error('The connection was closed before the whole body came.')))
  })
}

function isRaw(value: unknown): value is Uint8Array | string {
  return typeof value === 'string' || value instanceof Uint8Array
}
