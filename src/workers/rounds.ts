/** Runs something now and then on, never twice at once; a round that fails is simply followed by the next. */
import type { Logger } from '../telemetry/logger.ts'

export interface RoundsDeps {
  round(): Promise<unknown>
  intervalMs: number
  /** Of the line in the log that says that a round failed. */
  failed: string
  logger: Logger
}

export interface Rounds {
  stop(options?: { force?: boolean }): Promise<void>
}

export function startRounds({ round, intervalMs, failed, logger }: RoundsDeps): Rounds {
  let last: Promise<void> = Promise.resolve()
  let busy = false

  const run = async () => {
    busy = true
    try {
      await round()
    } catch (error) {
      logger.warn(failed, { error })
    } finally {
      busy = false
    }
  }
  const tick = () => {
    if (!busy) last = run()
  }
  tick()
  const timer = setInterval(tick, intervalMs)
  return {
    async stop({ force = false } = {}) {
      clearInterval(timer)
      if (!force) await last
    },
  }
}
