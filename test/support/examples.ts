/** Programs of `examples/`, run against the built program as a reader would run them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Folder, Program } from './program.ts'
import { until } from './until.ts'

export type Line = { event: string } & Record<string, unknown>

export interface Example {
  lines: Line[]
  /** The first line with this event. */
  said(event: string): Promise<Line>
  count(event: string): number
  stop(signal?: NodeJS.Signals): Promise<number | null>
  ended: Promise<number | null>
}

export function runExample(
  name: string,
  {
    place,
    program,
    args = [],
    env = {},
  }: {
    place: Folder
    program: Pick<Program, 'apiUrl'>
    args?: string[]
    env?: NodeJS.ProcessEnv
  },
): Example {
  const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], {
    cwd: place.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TALLYHOOK_URL: program.apiUrl, ...env },
  })
  const lines: Line[] = []
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line))
  const ended = once(child, 'close').then(([code]) => {
    if (stderr !== '') throw new Error(`${name} wrote: ${stderr}`)
    return code as number | null
  })
  // Who does not wait for its end is told by `said`.
  ended.catch(() => {})
  return {
    lines,
    ended,
    count: (event) => lines.filter((line) => line.event === event).length,
    said: (event) =>
      until(
        `${name} to say ${event}`,
        async () => {
          if (stderr !== '') await ended
          return lines.find((line) => line.event === event)
        },
        40_000,
      ),
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}
