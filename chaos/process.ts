/** A child process that is killed and started again; an end that nobody here asked for is a finding of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Command {
  path: string
  args: string[]
  env: NodeJS.ProcessEnv
}

export interface ManagedProcess {
  start(): ChildProcess
  /** Sends the signal at once and resolves when the process is gone. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Never resolves; rejects when the process ends by itself. */
  broken: Promise<never>
}

export function createProcess(title: string, { path, args, env }: Command): ManagedProcess {
  let current: ChildProcess | undefined
  let reportBroken: (error: Error) => void = () => {}
  const broken = new Promise<never>((_, reject) => {
    reportBroken = reject
  })
  // It is looked at only while somebody waits for something.
  broken.catch(() => {})

  return {
    broken,
    start() {
      const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
      const endWithUs = () => child.kill('SIGKILL')
      process.once('exit', endWithUs)
      child.once('error', (cause) => reportBroken(new Error(`${title} cannot be run`, { cause })))
      child.once('exit', (code, signal) => {
        process.off('exit', endWithUs)
        if (current === child)
          reportBroken(new Error(`${title} ended by itself: ${signal ?? `code ${code}`}`))
      })
      current = child
      return child
    },
    async kill() {
      const child = current
      current = undefined
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    signal: (name) => void current?.kill(name),
  }
}
