/**
 * The files of an archive (`names.ts`). What appears under a final name appears whole: it is written under another name, synced, and then linked or renamed,
 * and the folder is synced after it. A link is used where only one of several may win.
 */
import { randomUUID } from 'node:crypto'
import { constants, promises } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import {
  endings,
  indexEnding,
  type ListedSegment,
  listSegments,
  manifestEnding,
  type SegmentState,
} from './names.ts'

/** What of node:fs the archive uses; a test hands in one that ends in the middle. */
export type FileSystem = Pick<
  typeof promises,
  'open' | 'rename' | 'link' | 'unlink' | 'mkdir' | 'stat' | 'readdir' | 'readFile'
>
export type FileHandle = promises.FileHandle

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW

export interface ArchiveFiles {
  dir: string
  pathOf(segment: string, state: SegmentState): string
  manifestPath(segment: string): string
  indexPath(segment: string): string
  tornPath(segment: string): string
  /** Every segment of which there is any file, in the order of their chains. */
  list(): Promise<ListedSegment[]>
  /** What was begun under another name and, it may be, never finished. */
  listDrafts(): Promise<string[]>
  /** With the name under which it was found. */
  openSegment(segment: string): Promise<{ state: SegmentState; handle: FileHandle } | undefined>
  readIfThere(path: string): Promise<Buffer | undefined>
  openIfThere(path: string): Promise<FileHandle | undefined>
  create(path: string): Promise<FileHandle>
  /** False when there is one already. */
  putNew(path: string, bytes: Uint8Array): Promise<boolean>
  put(path: string, bytes: Uint8Array): Promise<void>
  /** False when it is not there any more. */
  move(from: string, to: string): Promise<boolean>
  remove(path: string): Promise<void>
  /** When it was last written to; undefined when it is not there. */
  changedAt(path: string): Promise<number | undefined>
  sizeOf(path: string): Promise<number | undefined>
  isThere(path: string): Promise<boolean>
  makeFolder(): Promise<void>
  syncFolder(): Promise<void>
  /** A name to write under first. */
  draftPath(path: string): string
}

export function createArchiveFiles(dir: string, fs: FileSystem = promises): ArchiveFiles {
  const path = (name: string) => join(dir, name)
  const pathOf = (segment: string, state: SegmentState) => path(segment + endings[state])
  const draftPath = (target: string) => `${target}.${randomUUID()}.draft`
  const openIfThere = (target: string) => unlessMissing(fs.open(target, readFlags))

  const readNames = async () => (await unlessMissing(fs.readdir(dir))) ?? []

  async function syncPath(folder: string): Promise<void> {
    const handle = await fs.open(folder, constants.O_RDONLY)
    await handle.sync().finally(() => handle.close())
  }

  async function writeDraft(target: string, bytes: Uint8Array): Promise<string> {
    const draft = draftPath(target)
    const handle = await fs.open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return draft
  }

  return {
    dir,
    pathOf,
    draftPath,
    openIfThere,
    manifestPath: (segment) => path(segment + manifestEnding),
    indexPath: (segment) => path(segment + indexEnding),
    tornPath: (segment) => path(`${segment}.torn`),
    list: async () => listSegments(await readNames()),
    listDrafts: async () => (await readNames()).filter((name) => name.endsWith('.draft')).map(path),

    async openSegment(segment) {
      // It only moves forward, so looking in this order cannot miss it; most are closed, so that is looked at first.
      for (const state of ['closed', 'open', 'closing', 'closed'] as const) {
        const handle = await openIfThere(pathOf(segment, state))
        if (handle) return { state, handle }
      }
      return undefined
    },

    readIfThere: async (target) => unlessMissing(fs.readFile(target, { flag: readFlags })),
    create: (target) => fs.open(target, 'wx', 0o600),

    async putNew(target, bytes) {
      const draft = await writeDraft(target, bytes)
      try {
        await fs.link(draft, target)
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false
        throw error
      } finally {
        await fs.unlink(draft).catch(() => {})
      }
      await syncPath(dir)
      return true
    },

    async put(target, bytes) {
      await fs.rename(await writeDraft(target, bytes), target)
      await syncPath(dir)
    },

    async move(from, to) {
      const moved = await unlessMissing(fs.rename(from, to).then(() => true))
      if (moved) await syncPath(dir)
      return moved ?? false
    },

    async remove(target) {
      await unlessMissing(fs.unlink(target))
      await syncPath(dir)
    },

    changedAt: async (target) => (await unlessMissing(fs.stat(target)))?.mtimeMs,
    sizeOf: async (target) => (await unlessMissing(fs.stat(target)))?.size,
    isThere: async (target) => (await unlessMissing(fs.stat(target))) !== undefined,

    async makeFolder() {
      const first = await fs.mkdir(dir, { recursive: true, mode: 0o700 })
      if (first === undefined) return
      // Each folder that is new has to be known to the one around it.
      for (let made = dir; made.length >= first.length; made = dirname(made)) await syncPath(dirname(made))
    },

    syncFolder: () => syncPath(dir),
  }
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    // A symbolic link is none of ours, and may lead anywhere.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ELOOP') return undefined
    throw error
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

export function asFault(error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = codeOf(error)
  const detail = `The archive could not be read or written${code ? ` (${code})` : ''}.`
  return new AppError('archive-unavailable', { detail, cause: error })
}
