/** A request as it is sealed: the length of the head, the head as JSON, and the body's bytes as they came. */

export interface KeptRequest {
  path: string
  /** By lower-case name, without cookies. */
  headers: Record<string, string>
  body: Uint8Array
}

const lengthBytes = 4
const neverKept = new Set(['cookie', 'set-cookie', 'cookie2'])

export function encodeRequest({ path, headers, body }: KeptRequest): Buffer {
  const kept = Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !neverKept.has(name)),
  )
  const head = Buffer.from(JSON.stringify({ path, headers: kept }))
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(head.length)
  return Buffer.concat([length, head, body])
}

export function decodeRequest(bytes: Uint8Array): KeptRequest & { body: Buffer } {
  const buffer = Buffer.from(bytes)
  const headEnd = lengthBytes + buffer.readUInt32BE()
  const head = JSON.parse(buffer.subarray(lengthBytes, headEnd).toString()) as Omit<KeptRequest, 'body'>
  return { ...head, body: buffer.subarray(headEnd) }
}
