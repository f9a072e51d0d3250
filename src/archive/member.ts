/**
 * A batch of lines as one gzip member. Members one after another are one valid gzip file (RFC 1952, 2.2), so `zcat`
 * shows the lines. Each carries its own packed length in an extra field of its header (subfield `TH`), which other tools
 * skip: a reader finds the next member without unpacking this one, and sees a torn one for what it is.
 */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { lineBytesMax } from './line.ts'

/** Two lines at their longest, or very many small ones. */
export const memberBytesMax = 2 * lineBytesMax
/** What gzip makes of it at worst: a few bytes per block more. */
export const packedBytesMax = memberBytesMax + memberBytesMax / 1024 + 1024

const plainHeadBytes = 10
export const headBytes = 20
// Magic, deflate, "has an extra field", no time, no flags, no system; 8 bytes of extra field: TH with 4 bytes.
export const memberMark = Buffer.from('1f8b08040000000000ff080054480400', 'hex')

const pack = promisify(gzip)
const unpack = promisify(gunzip)

export async function packMember(plain: Uint8Array): Promise<Buffer> {
  const body = (await pack(plain)).subarray(plainHeadBytes)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(headBytes + body.length)
  return Buffer.concat([memberMark, length, body])
}

/** How long the member is that begins here; undefined where none does. */
export function readMemberLength(head: Buffer): number | undefined {
  if (head.length < headBytes || !head.subarray(0, memberMark.length).equals(memberMark)) return undefined
  const length = head.readUInt32LE(memberMark.length)
  return length > headBytes && length <= packedBytesMax ? length : undefined
}

/** The lines without their newlines; undefined when the member is not whole. gzip's own checksum is checked with it. */
export async function unpackMember(packed: Buffer): Promise<Buffer[] | undefined> {
  if (readMemberLength(packed) !== packed.length) return undefined
  try {
    const plain = await unpack(packed, { maxOutputLength: memberBytesMax })
    return splitLines(plain)
  } catch {
    return undefined
  }
}

function splitLines(plain: Buffer): Buffer[] | undefined {
  if (plain.at(-1) !== 10) return undefined
  const lines: Buffer[] = []
  for (let from = 0; from < plain.length; ) {
    const end = plain.indexOf(10, from)
    lines.push(plain.subarray(from, end))
    from = end + 1
  }
  return lines
}
