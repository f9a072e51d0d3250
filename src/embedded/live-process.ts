/** Who a process is: a number is used again after its process has ended, the moment it began is not. */
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  pid: number
  /** Boot and start time in the kernel's words; null where there is no /proc. */
  startedAt: string | null
}

export function identify(pid: number): ProcessIdentity {
  return { pid, startedAt: readStart(pid) }
}

/** A process of the same number that began at another time is another one. */
export function isSameAlive({ pid, startedAt }: ProcessIdentity): boolean {
  if (!isAlive(pid)) return false
  return startedAt === null || startedAt === readStart(pid)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    // Not allowed to signal it, so it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readStart(pid: number): string | null {
  const boot = readFile('/proc/sys/kernel/random/boot_id')
  const fields = readStat(pid)
  // Field 22 of the manual; these begin with field 3.
  const ticks = fields?.[19]
  return boot === null || ticks === undefined ? null : `${boot.trim()}:${ticks}`
}

/** Ended, and waiting for its parent to notice. */
function isZombie(pid: number): boolean {
  return readStat(pid)?.[0] === 'Z'
}

/** The fields after the name, which stands in brackets and may hold anything. */
function readStat(pid: number): string[] | null {
  const stat = readFile(`/proc/${pid}/stat`)
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
