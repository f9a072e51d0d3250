import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isServing } from './redis-process.ts'
import { socketPathFor } from './socket-path.ts'

/** The socket of the embedded Redis that serves this data directory; undefined where none runs. Starts nothing. */
export async function findRunningRedis(dataDir: string): Promise<string | undefined> {
  const folder = join(dataDir, 'redis')
  if (!existsSync(folder)) return undefined
  const socketPath = socketPathFor(folder)
  return (await isServing({ folder, socketPath })) ? socketPath : undefined
}
