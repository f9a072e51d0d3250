/** The program itself as users run it, one role of it as a process. */
import { createInterface } from 'node:readline'
import { createProcess } from './process.ts'

export interface ProgramOptions {
  /** The built `main.js`. */
  program: string
  configFile: string
  dataDir: string
  redisUrl: string
}

/** Where it listens: at other ports after each start. A worker listens nowhere. */
export interface Addresses {
  callbackUrl?: string
  apiUrl?: string
}

export type Program = ReturnType<typeof createProgram>

export function createProgram(
  title: string,
  role: 'serve' | 'work',
  { program, configFile, dataDir, redisUrl }: ProgramOptions,
) {
  const running = createProcess(title, {
    path: process.execPath,
    args: [program, role],
    env: {
      PATH: process.env.PATH,
      TALLYHOOK_CONFIG: configFile,
      TALLYHOOK_DATA_DIR: dataDir,
      REDIS_URL: redisUrl,
      CALLBACK_PORT: '0',
      API_PORT: '0',
      LOG_LEVEL: 'error',
    },
  })
  let up = createGate<Addresses>()

  return {
    broken: running.broken,
    /** Waits while it is away. */
    addresses: () => up.passed,
    async start(): Promise<void> {
      const child = running.start()
      child.stderr?.pipe(process.stderr, { end: false })
      if (child.stdout) {
        createInterface(child.stdout).on('line', (line) => {
          const ready = readReady(line)
          if (ready) up.open(ready)
        })
      }
      await Promise.race([up.passed, running.broken])
    },
    kill(): Promise<void> {
      up = createGate<Addresses>()
      return running.kill()
    },
  }
}

function readReady(line: string): Addresses | undefined {
  if (!line.includes('"event":"ready"')) return undefined
  return JSON.parse(line) as Addresses
}

function createGate<T>() {
  let open: (value: T) => void = () => {}
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open }
}
