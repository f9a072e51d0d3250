/** Runs one role until it is told to stop. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compose, type Role, type Running } from '../compose.ts'
import { loadConfig, summarise } from '../config/config.ts'
import { createLifecycle } from '../telemetry/lifecycle.ts'
import { createLogger, type Logger } from '../telemetry/logger.ts'
import { showWelcome } from './welcome.ts'

/** Ten seconds are promised; the last is kept for the way out. */
const stopBudgetMs = 9_000

/** Where `tallyhook send` finds the process that runs on a data directory. */
export const runningFile = (dataDir: string) => join(dataDir, 'running.json')

export async function runRole(role: Role): Promise<number> {
  const config = loadConfig(process.env, process.stdout.isTTY === true)
  const logger = createLogger(config.log)
  const lifecycle = createLifecycle({ logger, clock: Date.now, stopBudgetMs })
  const stopped = stopOnSignal(lifecycle.stop, logger)
  // The process ends as it would; the monitor only sees that the log says why, in the log's own form.
  process.on('uncaughtExceptionMonitor', (error) => logger.error('process.broke', { error }))
  logger.info('starting', { role, ...summarise(config) })

  let running: Running
  try {
    running = await compose({ config, role, env: process.env, lifecycle, logger })
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
  const { callbackUrl, apiUrl } = running
  if (callbackUrl) note(runningFile(config.dataDir), { callbackUrl, apiUrl }, lifecycle.add)
  process.stdout.write(`${JSON.stringify({ event: 'ready', role, callbackUrl, apiUrl })}\n`)
  if (running.sandbox) showWelcome(running, config)

  const { clean } = await stopped
  logger.info('stopped', { clean })
  return clean ? 0 : 1
}

/** A second signal means that somebody is out of patience. */
function stopOnSignal(stop: () => Promise<{ clean: boolean }>, logger: Logger): Promise<{ clean: boolean }> {
  return new Promise((resolve) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(1)
      asked = true
      logger.info('stopping', { signal })
      void stop().then(resolve)
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

function note(
  file: string,
  content: unknown,
  add: (part: { name: string; stop(): Promise<void> }) => void,
): void {
  writeFileSync(file, JSON.stringify(content))
  add({ name: 'running-note', stop: async () => rmSync(file, { force: true }) })
}
