/** `tallyhook doctor`: looks at a configuration and all that it depends on, and says what to do. It changes nothing. */
import { randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import { keyPrefix, queuePrefix } from '../../compose/base.ts'
import { findLoopbackOrigin } from '../../compose/providers.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { asAppError } from '../../domain/errors.ts'
import { createOutboundFetch } from '../../outbound/fetch.ts'
import { callbackQueueName } from '../../queue/catalogue.ts'
import type { RedisClient } from '../../redis/client.ts'
import { createCases } from '../../store/cases.ts'
import { createKeys } from '../../store/keys.ts'
import { loadScripts } from '../../store/scripts.ts'
import { parseArguments, usage } from '../arguments.ts'
import { connectDirectly } from '../direct-redis.ts'
import { type Output, processOutput } from '../output.ts'
import { type Finding, fault, ok } from './finding.ts'
import { lookAtProviders } from './providers.ts'
import { lookAtRedis } from './redis.ts'
import { lookAtTokens } from './tokens.ts'
import { lookAtArchive, lookAtWork } from './work.ts'

const help = `tallyhook doctor: whether everything is as it has to be, and what to do where it is not

Usage: tallyhook doctor [options]

Looks at the configuration and its keys, at Redis and its settings, at the clocks, at whether each account's provider can be
reached, at the archive, and at what waits for a person. It changes nothing, and calls the providers' hosts with a
bare HEAD request, without credentials. Exits 1 where something is at fault.

Options
  --offline  calls no provider
  --json     prints the findings as JSON
`

const options = {
  offline: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** 0 nothing is at fault, 1 something is, 2 the words of the command are off. */
export async function runDoctor(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  if (flags.help) {
    output.out(help)
    return 0
  }
  if (positionals.length > 0) throw usage('It takes no words; tallyhook doctor --help says what it does.')
  const findings = await examine(env, flags)
  if (flags.json) output.out(`${JSON.stringify({ findings })}\n`)
  else for (const one of findings) output.out(describe(one))
  return findings.some(({ outcome }) => outcome === 'fault') ? 1 : 0
}

async function examine(env: NodeJS.ProcessEnv, { offline }: { offline: boolean }): Promise<Finding[]> {
  let config: Config
  try {
    config = loadConfig(env, false)
  } catch (error) {
    return [
      fault('configuration', asAppError(error).detail, 'Mend it; docs/configuration.md lists every setting.'),
    ]
  }
  const mode = config.sandbox
    ? 'None is given, so this is sandbox mode.'
    : 'It is valid, and every key in it is readable and strong.'
  const [store, providers] = await Promise.all([
    lookAtStore(config),
    offline
      ? []
      : lookAtProviders({ config, fetchFor: createFetchFor(config), clock: Date.now, randomBytes }),
  ])
  return [
    ok('configuration', mode),
    ...lookAtTokens(config, Date.now()),
    ...store,
    ...providers,
    await lookAtArchive(config),
  ]
}

async function lookAtStore(config: Config): Promise<Finding[]> {
  let redis: RedisClient | undefined
  try {
    redis = await connectDirectly(config)
    loadScripts(redis)
    const keys = createKeys(keyPrefix, config.partitions)
    const queue = new Queue(callbackQueueName, { connection: redis, prefix: queuePrefix })
    const findings = await lookAtRedis({ redis, keys, config, clock: Date.now })
    return [...findings, ...(await lookAtWork(queue, createCases({ redis, keys, clock: Date.now })))]
  } catch (error) {
    return [fault('redis', asAppError(error).detail, 'See to it that it runs, and that REDIS_URL names it.')]
  } finally {
    redis?.disconnect()
  }
}

function createFetchFor({ outbound }: Config) {
  return (origin: string) =>
    createOutboundFetch({ ...outbound, loopbackOrigin: findLoopbackOrigin(origin), totalMsMax: 5_000 })
}

const marks: Record<Finding['outcome'], string> = { ok: 'ok     ', warning: 'warning', fault: 'FAULT  ' }

function describe({ about, outcome, says, mend }: Finding): string {
  const line = `${marks[outcome]}  ${about}: ${says}\n`
  return mend === undefined ? line : `${line}         ${mend}\n`
}
