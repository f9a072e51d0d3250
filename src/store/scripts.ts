/** The atomic steps, loaded once and called by name. Each return code becomes an outcome in the repository that calls it. */
import { readFileSync } from 'node:fs'
import type { RedisClient } from '../redis/client.ts'

export interface Scripts {
  registerTransfer(
    keys: [string, string, string, string, string],
    args: string[],
  ): Promise<[number, number | string]>
  commitTransfer(keys: [string, string, string], args: string[]): Promise<[number, string?]>
  parkReceipt(keys: [string, string], args: string[]): Promise<number>
  keepRefused(keys: [string, string], args: string[]): Promise<number>
  putCase(keys: [string, string, string], args: string[]): Promise<number>
  countUse(keys: [string], args: string[]): Promise<number>
  replaceText(keys: [string], args: [string, string]): Promise<number>
  replaceField(keys: [string], args: [string, string, string]): Promise<number>
  swapLog(keys: [string, string, string], args: [string, string]): Promise<number>
}

/** The number of keys stands at the end of the file's name. */
const files = {
  registerTransfer: 'register-transfer-5',
  commitTransfer: 'commit-transfer-3',
  parkReceipt: 'park-receipt-2',
  keepRefused: 'keep-refused-2',
  putCase: 'put-case-3',
  countUse: 'count-use-1',
  replaceText: 'replace-text-1',
  replaceField: 'replace-field-1',
  swapLog: 'swap-log-3',
} as const

type Call = (...args: string[]) => Promise<unknown>

export function loadScripts(redis: RedisClient): Scripts {
  const scripts: Record<string, (keys: string[], args: string[]) => Promise<unknown>> = {}
  for (const [name, file] of Object.entries(files)) {
    const command = `tallyhook:${file}`
    redis.defineCommand(command, {
      numberOfKeys: Number(file.slice(file.lastIndexOf('-') + 1)),
      lua: readFileSync(new URL(`./scripts/${file}.lua`, import.meta.url), 'utf8'),
    })
    const call = (redis as unknown as Record<string, Call>)[command]?.bind(redis)
    if (!call) throw new Error(`The script ${file} was not defined.`)
    scripts[name] = (keys, args) => call(...keys, ...args)
  }
  return scripts as unknown as Scripts
}
