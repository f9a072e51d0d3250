/** Runs something now and then on, never twice at once; a round that fails is simply followed by the next. */
import type { Logger } from '../telemetry/logger.ts'

export interface RoundsDeps {
  /** A long one looks at the signal, so that a stop need not wait for all of it. */
  round(stopping: AbortSignal): Promise<unknown>
  intervalMs: number
  /** Of the line in the log that says that a round failed. */
  failed: string
  logger: Logger
}

export interface Rounds {
  /** Waits for the round that is under way, unless that is no use, as when Redis is away. */
  stop(options?: { force?: boolean }): Promise<void>
}

export function startRounds({ round, intervalMs, failed, logger }: RoundsDeps): Rounds {
  const stopping = new AbortController()
  let current: Promise<void> | undefined

  async function run(): Promise<void> {
    try {
      await round(stopping.signal)
    } catch (error) {
      logger.warn(failed, { error })
    }
  }
  const tick = () => {
    current ??= run().finally(() => {
      current = undefined
    })
  }
  tick()
  const timer = setInterval(tick, intervalMs)
  return {
    async stop({ force = false } = {}) {
      clearInterval(timer)
      stopping.abort()
      if (!force) await current
    },
  }
}
