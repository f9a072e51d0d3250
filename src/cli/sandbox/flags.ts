/** What `tallyhook sandbox` can be told. */
import { readFileSync } from 'node:fs'
import { behaviourNames } from '../../sandbox/behaviours.ts'
import type { FateOptions, Rates } from '../../sandbox/fates.ts'
import { parseRules } from '../../sandbox/rules.ts'
import { parseArguments, usage } from '../arguments.ts'

export const help = `tallyhook sandbox: a make-believe Zenospay and WeChat Pay to point Tallyhook at; needs no Redis and no configuration

  --port 8090           where both listen; 0 for any that is free
  --host 127.0.0.1      whoever reaches it may read what it believes, and needs no token for that
  --dir sandbox         where its keys are, and a tallyhook.yaml with both accounts; made when it starts first
  --callback-url http://127.0.0.1:8080
                        Tallyhook's callback listener, which it calls back
  --seed 1              the same seed, references and amounts give the same fates
  --rate name=0.1       how often a behaviour strikes, from 0 to 1; more than one may be given
  --rules FILE          JSON: which payouts get which behaviours (docs/sandbox.md)
  --delay-ms 800-4000   how long a payout takes
  --json                prints one line of JSON when it is ready
  --log-level warn      error, warn, info or debug

Behaviours: ${behaviourNames.join(', ').replace(/(.{60,80}) /g, '$1\n            ')}
One is also asked for by its name in a reference, as payoutLostCallback17, and by its amount (docs/sandbox.md).
`

const options = {
  port: { type: 'string', default: '8090' },
  host: { type: 'string', default: '127.0.0.1' },
  dir: { type: 'string', default: 'sandbox' },
  'callback-url': { type: 'string', default: 'http://127.0.0.1:8080' },
  seed: { type: 'string', default: '1' },
  rate: { type: 'string', multiple: true },
  rules: { type: 'string' },
  'delay-ms': { type: 'string' },
  json: { type: 'boolean', default: false },
  'log-level': { type: 'string', default: 'warn' },
  help: { type: 'boolean', default: false },
} as const

const logLevels = ['error', 'warn', 'info', 'debug'] as const

export interface SandboxFlags {
  help: boolean
  json: boolean
  host: string
  port: number
  dir: string
  /** An origin. */
  callbackUrl: string
  fates: FateOptions
  logLevel: (typeof logLevels)[number]
}

export function parseFlags(args: string[]): SandboxFlags {
  const { values, positionals } = parseArguments(args, options)
  if (positionals.length > 0) throw usage(`There is nothing to do with ${positionals[0]}.`)
  const { help, json, host, dir, seed, rules } = values
  const logLevel = logLevels.find((level) => level === values['log-level'])
  if (!logLevel) throw usage(`--log-level: it must be one of ${logLevels.join(', ')}.`)
  return {
    help,
    json,
    host,
    dir,
    logLevel,
    port: readPort(values.port),
    callbackUrl: readOrigin(values['callback-url']),
    fates: {
      seed,
      rates: readRates(values.rate ?? []),
      rules: rules === undefined ? [] : parseRules(readRules(rules), rules),
      delayMs: values['delay-ms'] === undefined ? undefined : readDelay(values['delay-ms']),
    },
  }
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_535) return port
  throw usage('--port: it must be a whole number from 0 to 65535.')
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin
  throw usage('--callback-url: it must be an origin alone, as http://127.0.0.1:8080.')
}

function readRates(texts: readonly string[]): Rates {
  const rates: Rates = {}
  for (const text of texts) {
    const [, word, share = ''] = /^([a-z-]+)=(0(?:\.\d+)?|1(?:\.0+)?)$/.exec(text) ?? []
    const name = behaviourNames.find((known) => known === word)
    if (!name || share === '')
      throw usage(
        `--rate: ${text}: it must be a behaviour and a share from 0 to 1, as lost-callback=0.1; --help lists them.`,
      )
    rates[name] = Number(share)
  }
  return rates
}

function readRules(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw usage(`--rules: ${file} cannot be read.`)
  }
}

function readDelay(text: string): { from: number; to: number } {
  const [, from = '', to = from] = /^(\d{1,8})(?:-(\d{1,8}))?$/.exec(text) ?? []
  if (from === '' || Number(from) > Number(to))
    throw usage('--delay-ms: it must be milliseconds, as 800-4000, the smaller first.')
  return { from: Number(from), to: Number(to) }
}
