/**
 * One living owner per directory. The lock is a file that names its owner, put in place whole by a link, which only one
 * of two can do. A lock whose owner is gone is broken under a second lock, so that nobody breaks the lock of somebody
 * who has just come; the second one is held for moments only and counts for nothing once it is old.
 */
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../domain/errors.ts'
import { identify, isSameAlive, type ProcessIdentity } from './live-process.ts'

export interface DirectoryLock {
  release(): void
}

const breakerAgeMsMax = 5_000
const attemptMs = 20

export async function lockDirectory(folder: string): Promise<DirectoryLock> {
  const file = join(folder, 'owner.json')
  const me = identify(process.pid)
  while (!putInPlace(file, JSON.stringify(me))) {
    const owner = readOwner(file)
    if (owner && isSameAlive(owner)) throw inUse(folder, owner)
    breakStale(file)
    await sleep(attemptMs)
  }
  return {
    release() {
      if (readOwner(file)?.pid === me.pid) rmSync(file, { force: true })
    },
  }
}

function breakStale(file: string): void {
  const breaker = `${file}.breaking`
  if (!putInPlace(breaker, String(process.pid))) {
    if (ageMs(breaker) > breakerAgeMsMax) rmSync(breaker, { force: true })
    return
  }
  try {
    const owner = readOwner(file)
    if (!owner || !isSameAlive(owner)) rmSync(file, { force: true })
  } finally {
    rmSync(breaker, { force: true })
  }
}

/** False when something is there already. It is never there half-written. */
function putInPlace(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, content)
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function readOwner(file: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
    return Number.isInteger(pid) && pid > 0 ? { pid, startedAt } : undefined
  } catch {
    return undefined
  }
}

function ageMs(file: string): number {
  return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
}

function inUse(folder: string, { pid }: ProcessIdentity): AppError {
  return new AppError('data-dir-in-use', {
    detail: `Process ${pid} runs on ${folder}; stop it, or set TALLYHOOK_DATA_DIR to another directory.`,
  })
}
