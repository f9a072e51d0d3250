/**
 * One living owner per directory. The lock is a numbered file, `lock.7`, and the highest number counts. Whoever finds it
 * let go, or its owner gone, puts the next number in place by a link, which only one of any number can do. The highest
 * file is never removed, not even by its owner (letting go rewrites it), so that somebody slow who judged an old number
 * cannot take the next one after everybody else has moved on without seeing a higher one when they look again.
 *
 * Not guaranteed: processes that do not see each other's numbers, as in two containers over one volume, do not see each
 * other's locks.
 */
import { randomUUID } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import { identify, isSameAlive, type ProcessIdentity } from './live-process.ts'

export interface DirectoryLock {
  release(): void
}

interface LockRecord extends ProcessIdentity {
  released?: boolean
}

export function lockDirectory(folder: string): DirectoryLock {
  const me = identify(process.pid)
  for (;;) {
    const highest = numbersIn(folder)[0] ?? 0
    const holder = readRecord(pathOf(folder, highest))
    if (holder && !holder.released && isSameAlive(holder)) throw inUse(folder, holder)

    const mine = highest + 1
    const path = pathOf(folder, mine)
    if (!putInPlace(path, me)) continue
    if (numbersIn(folder)[0] !== mine) {
      rmSync(path, { force: true })
      continue
    }
    for (const older of numbersIn(folder)) if (older < highest) rmSync(pathOf(folder, older), { force: true })
    return { release: () => replace(path, { ...me, released: true }) }
  }
}

/** The highest first. */
function numbersIn(folder: string): number[] {
  const names = readdirSync(folder).map((name) => /^lock\.([1-9]\d{0,14})$/.exec(name)?.[1])
  return names
    .filter((text) => text !== undefined)
    .map(Number)
    .sort((a, b) => b - a)
}

function pathOf(folder: string, number: number): string {
  return join(folder, `lock.${number}`)
}

/** What cannot be read was cut off by a crash of the machine: a file appears with its content, or not at all. */
function readRecord(path: string): LockRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as LockRecord | null
    return Number.isSafeInteger(record?.pid) ? (record ?? undefined) : undefined
  } catch {
    return undefined
  }
}

/** False when somebody else was first. */
function putInPlace(path: string, record: LockRecord): boolean {
  const draft = writeDraft(path, record)
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function replace(path: string, record: LockRecord): void {
  renameSync(writeDraft(path, record), path)
}

function writeDraft(path: string, record: LockRecord): string {
  const draft = `${path}.${randomUUID()}`
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
  return draft
}

function inUse(folder: string, { pid }: ProcessIdentity): AppError {
  return new AppError('data-dir-in-use', {
    detail: `Process ${pid} runs on ${folder}; stop it, or set TALLYHOOK_DATA_DIR to another directory.`,
  })
}
