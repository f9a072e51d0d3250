import type { Logger } from './logger.ts'
import { within } from './within.ts'

/** A running piece. `stop` finishes what is in flight and closes; it is called once. */
export interface Part {
  name: string
  stop(): Promise<void>
}

export interface Lifecycle {
  /** One more part that runs; it is stopped before all that came earlier. Once the stop has begun it is stopped at once. */
  add(part: Part): void
  /** Stops the parts in reverse, each within the time that is left. Safe to call twice. */
  stop(): Promise<{ clean: boolean }>
}

/** A stop was asked for while parts were still being started. */
export class StartAborted extends Error {}

/** A part that is stuck must not take from the others the moment that they need. */
const partMsMin = 100

export function createLifecycle(deps: {
  logger: Logger
  clock: () => number
  stopBudgetMs: number
}): Lifecycle {
  const parts: Part[] = []
  let stopping: Promise<{ clean: boolean }> | undefined
  const late: Promise<void>[] = []

  async function stopAll(): Promise<{ clean: boolean }> {
    const deadline = deps.clock() + deps.stopBudgetMs
    let clean = true
    for (const part of parts.reverse()) {
      const startedAt = deps.clock()
      try {
        await within(Math.max(deadline - deps.clock(), partMsMin), part.stop())
      } catch (error) {
        clean = false
        deps.logger.error('part.not-stopped', { part: part.name, error })
      }
      deps.logger.debug('part.stopped', { part: part.name, durationMs: deps.clock() - startedAt })
    }
    return { clean }
  }

  return {
    add(part) {
      if (!stopping) return void parts.push(part)
      late.push(part.stop())
      throw new StartAborted()
    },
    async stop() {
      stopping ??= stopAll()
      const result = await stopping
      await Promise.allSettled(late)
      return result
    },
  }
}
