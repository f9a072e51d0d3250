/**
 * The program itself as users run it, `tallyhook serve`. No workers: what it acknowledges has to stay in the queue, where
 * it can be counted.
 */
import { createInterface } from 'node:readline'
import { createProcess } from './process.ts'

export interface ReceiverOptions {
  /** The built `main.js`. */
  program: string
  configFile: string
  dataDir: string
  redisUrl: string
}

export type Receiver = ReturnType<typeof createReceiver>

export function createReceiver({ program, configFile, dataDir, redisUrl }: ReceiverOptions) {
  const running = createProcess('The receiver', {
    path: process.execPath,
    args: [program, 'serve'],
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
  let up = createGate<string>()

  return {
    broken: running.broken,
    /** Where it listens: at another port after each start. Waits while it is away. */
    origin: () => up.passed,
    async start(): Promise<void> {
      const child = running.start()
      child.stderr?.pipe(process.stderr, { end: false })
      if (child.stdout) {
        createInterface(child.stdout).on('line', (line) => {
          const url = readReady(line)
          if (url) up.open(url)
        })
      }
      await Promise.race([up.passed, running.broken])
    },
    kill(): Promise<void> {
      up = createGate<string>()
      return running.kill()
    },
  }
}

function readReady(line: string): string | undefined {
  if (!line.includes('"event":"ready"')) return undefined
  return (JSON.parse(line) as { callbackUrl: string }).callbackUrl
}

function createGate<T>() {
  let open: (value: T) => void = () => {}
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open }
}
