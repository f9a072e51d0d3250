/** The built program as a child process, in an empty folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../src/embedded/live-process.ts'
import { until } from './until.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

type Command = [string, ...string[]]

export interface Program {
  child: ChildProcess
  callbackUrl: string
  apiUrl: string
  readyMs: number
  /** Lines of standard output so far. */
  lines: string[]
  stderr(): string
  exited: Promise<number | null>
}

export function createFolder() {
  if (!existsSync(main))
    throw new Error('dist is not built; `npm test` builds it first, or run `npm run build`.')
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-e2e-'))
  const children: ChildProcess[] = []

  function launch(args: string[], env: NodeJS.ProcessEnv = {}, by: Command = [process.execPath, main]) {
    const [command, ...before] = by
    const startedAt = Date.now()
    const { REDIS_URL: _, TALLYHOOK_CONFIG: __, ...rest } = process.env
    const child = spawn(command, [...before, ...args], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...rest, CALLBACK_PORT: '0', API_PORT: '0', ...env },
    })
    children.push(child)
    const lines: string[] = []
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    if (child.stdout) createInterface(child.stdout).on('line', (line) => lines.push(line))
    const exited = once(child, 'exit').then(([code]) => code as number | null)
    return { child, lines, startedAt, exited, stderr: () => stderr }
  }

  return {
    folder,
    dataDir: join(folder, '.tallyhook'),

    /** `by` starts it in another way than by Node itself. */
    async start(role?: string, env: NodeJS.ProcessEnv = {}, by?: Command): Promise<Program> {
      const launched = launch(role ? [role] : [], env, by)
      const ready = await until<{ callbackUrl: string; apiUrl: string }>('the line that says ready', () => {
        const line = launched.lines.find((text) => text.includes('"event":"ready"'))
        if (!line && launched.child.exitCode !== null)
          throw new Error(`It ended with ${launched.child.exitCode}: ${launched.stderr()}`)
        return line ? (JSON.parse(line) as { callbackUrl: string; apiUrl: string }) : undefined
      })
      const { callbackUrl, apiUrl } = ready
      return { ...launched, callbackUrl, apiUrl, readyMs: Date.now() - launched.startedAt }
    },

    /** A command that ends by itself, or by this signal as soon as it says that it starts. */
    async run(args: string[], env: NodeJS.ProcessEnv = {}, signal?: NodeJS.Signals) {
      const launched = launch(args, env)
      if (signal) {
        await until('the start', () => launched.lines.some((line) => line.includes('"event":"starting"')))
        launched.child.kill(signal)
      }
      const code = await launched.exited
      return { code, stdout: launched.lines.join('\n'), stderr: launched.stderr() }
    },

    token(): string {
      return (
        JSON.parse(readFileSync(join(folder, '.tallyhook/sandbox.json'), 'utf8')) as { apiToken: string }
      ).apiToken
    },

    redisPid(): number | undefined {
      const file = join(folder, '.tallyhook/redis/redis-process.json')
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid : undefined
    },

    async dispose(): Promise<void> {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      const pid = this.redisPid()
      if (pid && isAlive(pid)) {
        process.kill(pid, 'SIGKILL')
        await until('the end of Redis', () => !isAlive(pid))
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type Folder = ReturnType<typeof createFolder>

export interface SeenEvent {
  id: string
  type: string
  subject: string
  sequence: number
  previousid?: string
  data: { object: { reference: string; state: string }; because: { source: string; receipt?: string } }
}

/** Every event that there is, page by page; none while Redis is away, for those who wait for some. */
export async function readEvents(apiUrl: string, token: string): Promise<SeenEvent[]> {
  const events: SeenEvent[] = []
  for (let after = ''; ; ) {
    const answer = await fetch(`${apiUrl}/v1/events?limit=1000${after && `&after=${after}`}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    if (answer.status === 503) return []
    const page = (await answer.json()) as { events: SeenEvent[]; next: string }
    events.push(...page.events)
    if (page.events.length === 0) return events
    after = page.next
  }
}
