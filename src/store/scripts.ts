/** The atomic steps, loaded once and called by name. Each return code becomes an outcome in the repository that calls it. */
import { readFileSync } from 'node:fs'
import type { RedisClient } from '../redis/client.ts'

export interface Scripts {
  keepRefused(keys: [string, string], args: string[]): Promise<number>
  countUse(keys: [string], args: string[]): Promise<number>
  replaceText(keys: [string], args: [string, string]): Promise<number>
  replaceField(keys: [string], args: [string, string, string]): Promise<number>
  takeCall(keys: [string, string], args: string[]): Promise<[string, number]>
  noteCall(keys: [string, string], args: string[]): Promise<string>
}

/** The number of keys stands at the end of the file's name; one without it is told how many there are. */
const files = {
  keepRefused: 'keep-refused-2',
  countUse: 'count-use-1',
  replaceText: 'replace-text-1',
  replaceField: 'replace-field-1',
  takeCall: 'take-call-2',
  noteCall: 'note-call-2',
} as const

/** Called by name in pipelines, with the number of its keys first. */
export const commitCommand = 'tallyhook:commit'
export const readCommand = 'tallyhook:read'
export const claimCommand = 'tallyhook:claim'
export const watchCommand = 'tallyhook:watch'
export const promoteCommand = 'tallyhook:promote-turns'
export const takeCommand = 'tallyhook:take-turns'

type Call = (...args: string[]) => Promise<unknown>

export function loadScripts(redis: RedisClient): Scripts {
  redis.defineCommand(commitCommand, { lua: readScript('commit') })
  redis.defineCommand(readCommand, { lua: readScript('read') })
  redis.defineCommand(claimCommand, { lua: readScript('claim') })
  redis.defineCommand(watchCommand, { lua: readScript('watch-1'), numberOfKeys: 1 })
  redis.defineCommand(promoteCommand, { lua: readScript('promote-turns-2'), numberOfKeys: 2 })
  redis.defineCommand(takeCommand, { lua: readScript('take-turns-2'), numberOfKeys: 2 })
  const scripts: Record<string, (keys: string[], args: string[]) => Promise<unknown>> = {}
  for (const [name, file] of Object.entries(files)) {
    const command = `tallyhook:${file}`
    redis.defineCommand(command, {
      numberOfKeys: Number(file.slice(file.lastIndexOf('-') + 1)),
      lua: readScript(file),
    })
    const call = (redis as unknown as Record<string, Call>)[command]?.bind(redis)
    if (!call) throw new Error(`The script ${file} was not defined.`)
    scripts[name] = (keys, args) => call(...keys, ...args)
  }
  return scripts as unknown as Scripts
}

function readScript(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
}
