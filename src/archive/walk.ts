/** The members of a segment one after another, of which no more than one is in memory; and what stands behind the last. */
import type { FileHandle } from './files.ts'
import { headBytes, memberMark, packedBytesMax, readMemberLength, unpackMember } from './member.ts'

export interface Member {
  kind: 'member'
  offset: number
  packed: Buffer
  lines: Buffer[]
}

/**
 *   none      the last member ends where the file does
 *   torn      what a crash leaves of one append, or what an append that is under way has written so far
 *   damaged   a whole member stands behind something that is none, so this was whole once
 */
export interface Rest {
  kind: 'rest'
  offset: number
  bytes: number
  state: 'none' | 'torn' | 'damaged'
}

const windowBytes = 256 * 1024

/** Up to `end`, and not beyond where the file ends now. */
export async function* walkMembers(handle: FileHandle, end?: number): AsyncGenerator<Member | Rest> {
  const size = Math.min((await handle.stat()).size, end ?? Number.POSITIVE_INFINITY)
  const read = createWindow(handle, size)
  let offset = 0
  for (;;) {
    const length = readMemberLength(await read(offset, headBytes))
    const packed = length === undefined ? undefined : await read(offset, length)
    const lines = packed && packed.length === length ? await unpackMember(packed) : undefined
    if (!packed || !lines) break
    yield { kind: 'member', offset, packed, lines }
    offset += packed.length
  }
  const bytes = size - offset
  const state = bytes === 0 ? 'none' : await judgeRest(handle, offset, bytes)
  yield { kind: 'rest', offset, bytes, state }
}

/** One append is one member and is synced before the next begins, so what is torn is the last one, and holds no whole one. */
async function judgeRest(handle: FileHandle, offset: number, bytes: number): Promise<Rest['state']> {
  if (bytes > packedBytesMax) return 'damaged'
  const rest = await readAt(handle, offset, bytes)
  for (let at = rest.indexOf(memberMark, 1); at !== -1; at = rest.indexOf(memberMark, at + 1)) {
    const length = readMemberLength(rest.subarray(at))
    if (length === undefined || at + length > rest.length) continue
    if (await unpackMember(rest.subarray(at, at + length))) return 'damaged'
  }
  return 'torn'
}

/** Small members are many: they come out of one read. */
function createWindow(handle: FileHandle, size: number) {
  let start = 0
  let held: Buffer = Buffer.alloc(0)
  return async (offset: number, wanted: number): Promise<Buffer> => {
    const length = Math.min(wanted, size - offset)
    if (offset < start || offset + length > start + held.length) {
      start = offset
      held = await readAt(handle, offset, Math.min(Math.max(length, windowBytes), size - offset))
    }
    return held.subarray(offset - start, offset - start + length)
  }
}

/** Fewer bytes where the file ends before. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
