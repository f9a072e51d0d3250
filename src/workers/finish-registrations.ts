/**
 * Goes on with batches whose registration was left half done: by a process that died, or that Redis left alone. One that is
 * only slow is helped and not disturbed, since each step may be taken by several.
 */
import type { Batches } from '../store/batches.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface FinishRegistrationsDeps {
  batches: Pick<Batches, 'finish'>
  /** Those that are younger are left to who began them. */
  olderThanMs: number
  clock: () => number
  logger: Logger
}

export type FinishRegistrations = () => Promise<number>

export function createFinishRegistrations(deps: FinishRegistrationsDeps): FinishRegistrations {
  const { batches, olderThanMs, clock, logger } = deps
  return async () => {
    const finished = await batches.finish(clock() - olderThanMs)
    for (const { id, outcome, error } of finished) {
      if (outcome === 'failed') logger.warn('batch.registration-not-finished', { batchId: id, error })
      else logger.info('batch.registration-finished', { batchId: id, outcome })
    }
    return finished.length
  }
}
