/** What waits for a person, and whether what leaves has somewhere to go. */
import { statfs } from 'node:fs/promises'
import type { Queue } from 'bullmq'
import { prepareArchive } from '../../compose/archive.ts'
import type { Config } from '../../config/config.ts'
import { asAppError } from '../../domain/errors.ts'
import type { Cases } from '../../store/cases.ts'
import { type Finding, fault, ok, warning } from './finding.ts'

/** Of the disk; below this the archive will soon be unable to take anything. */
const freeShareMin = 0.05

export async function lookAtArchive({ archive: { dir } }: Config): Promise<Finding> {
  try {
    prepareArchive(dir)
    const { bavail, blocks } = await statfs(dir)
    if (bavail < blocks * freeShareMin)
      return warning(
        'archive',
        `Its disk is ${Math.round(100 * (1 - bavail / blocks))} % full.`,
        'Make room, or move archive.dir.',
      )
    return ok('archive', `${dir} can be written.`)
  } catch (error) {
    return fault('archive', asAppError(error).detail, 'Give the service a folder that it may write.')
  }
}

export async function lookAtWork(
  queue: Pick<Queue, 'getJobCounts'>,
  cases: Pick<Cases, 'list'>,
): Promise<Finding[]> {
  const { failed = 0, wait = 0 } = await queue.getJobCounts('failed', 'wait')
  const { cases: open } = await cases.list({ state: 'open', limit: casesMax + 1 })
  const count = open.length > casesMax ? `more than ${casesMax}` : String(open.length)
  return [
    failed === 0
      ? ok('queue', `No callback has failed; ${wait} jobs wait.`)
      : warning(
          'queue',
          `${failed} callbacks have failed, and are kept.`,
          'Look at them in /ops/queues, mend the cause, and retry them.',
        ),
    open.length === 0
      ? ok('cases', 'None is open.')
      : warning('cases', `${count} are open.`, 'tallyhook cases list --state open'),
  ]
}

const casesMax = 999
