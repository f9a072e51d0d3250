/** Runs one role until it is told to stop. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compose, type Role, type Running } from '../compose.ts'
import { loadConfig, summarise } from '../config/config.ts'
import { type Door, openDoor } from '../sandbox/door.ts'
import { createLifecycle, type Lifecycle, StartAborted } from '../telemetry/lifecycle.ts'
import { createLogger, type Logger } from '../telemetry/logger.ts'
import { showWelcome } from './welcome.ts'

/** Ten seconds are promised; the last is kept for the way out. */
const stopBudgetMs = 9_000

/** Where `tallyhook send` finds the process that runs on a data directory. */
export const runningFile = (dataDir: string) => join(dataDir, 'running.json')

export async function runRole(role: Role): Promise<number> {
  const door = await openSandboxDoor(role)
  const config = loadConfig(process.env, process.stdout.isTTY === true, door?.url)
  const logger = createLogger(config.log)
  const lifecycle = createLifecycle({ logger, clock: Date.now, stopBudgetMs })
  const stopped = stopOnSignal(lifecycle.stop, logger)
  // The process ends as it would; the monitor only sees that the log says why, in the log's own form.
  process.on('uncaughtExceptionMonitor', (error) => logger.error('process.broke', { error }))
  if (door) lifecycle.add({ name: 'sandbox-door', stop: () => door.close() })
  logger.info('starting', { role, ...summarise(config) })

  let running: Running
  try {
    running = await compose(role, { config, env: process.env, lifecycle, logger, door })
    const { callbackUrl, apiUrl } = running
    if (callbackUrl) noteRunning(config.dataDir, { callbackUrl, apiUrl }, lifecycle, logger)
  } catch (error) {
    const { clean } = await lifecycle.stop()
    if (error instanceof StartAborted) return clean ? 0 : 1
    throw error
  }
  const { callbackUrl, apiUrl, metricsUrl } = running
  process.stdout.write(`${JSON.stringify({ event: 'ready', role, callbackUrl, apiUrl, metricsUrl })}\n`)
  if (running.sandbox) showWelcome(running, config)

  const { clean } = await stopped
  logger.info('stopped', { clean })
  return clean ? 0 : 1
}

/** Opened before anything else: the accounts name its address, and the configuration is read once. */
async function openSandboxDoor(role: Role): Promise<Door | undefined> {
  if (role !== 'all' || process.env.TALLYHOOK_CONFIG) return undefined
  return openDoor({ host: '127.0.0.1', port: 0 })
}

/** A shell and npm both pass a Ctrl-C on, so the same one may come twice. Later it means that somebody is out of patience. */
const repeatedSignalMs = 2_000

function stopOnSignal(stop: () => Promise<{ clean: boolean }>, logger: Logger): Promise<{ clean: boolean }> {
  return new Promise((resolve) => {
    let askedAt: number | undefined
    const onSignal = (signal: NodeJS.Signals) => {
      if (askedAt !== undefined) {
        if (Date.now() - askedAt > repeatedSignalMs) process.exit(1)
        return
      }
      askedAt = Date.now()
      logger.info('stopping', { signal })
      void stop().then(resolve)
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

/** A help for `tallyhook send` and nothing more: a directory that cannot be written stops nobody. */
function noteRunning(
  dataDir: string,
  urls: { callbackUrl?: string; apiUrl?: string | undefined },
  lifecycle: Lifecycle,
  logger: Logger,
): void {
  const file = runningFile(dataDir)
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(file, JSON.stringify(urls))
  } catch (error) {
    logger.warn('running.not-noted', { error })
  }
  lifecycle.add({ name: 'running-note', stop: async () => rmSync(file, { force: true }) })
}
