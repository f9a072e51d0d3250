/** `tallyhook erase`: see src/erase/erase.ts for what it does, and docs/retention.md for what it does not reach. */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createArchive } from '../compose/archive.ts'
import { describeFixed, keyPrefix, queuePrefix } from '../compose/base.ts'
import { createProviders } from '../compose/providers.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { encodeBytes } from '../domain/ids.ts'
import { type Erased, erase } from '../erase/erase.ts'
import { createMentions } from '../erase/mentions.ts'
import { type ErasePass, runErasePass } from '../erase/pass.ts'
import { type PersonName, type PersonToErase, toPerson } from '../erase/person.ts'
import { callbackQueueName } from '../queue/catalogue.ts'
import type { RedisClient } from '../redis/client.ts'
import { queueKeysOf } from '../reseal/in-hand.ts'
import { createDigest, createKeyring, deriveKey } from '../seal/keyring.ts'
import { createPersonSealer } from '../seal/person-keys.ts'
import { createKeys, type Keys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { loadScripts } from '../store/scripts.ts'
import { createVault } from '../store/vault.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { parseArguments, usage } from './arguments.ts'
import { createOnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook erase: makes what is kept of one person unreadable, everywhere and for good

Usage: tallyhook erase (--account-number N | --openid O | --customer NAME) --reason TEXT [--yes]

  The keys that the person's data is sealed under are thrown away: what is kept of their transfers and callbacks, here
  and in the archive, cannot be read any more. States, amounts and references stay, and so does the archive's chain.
  Callbacks that wait to be applied are applied all the same. Those that wait for something to be registered, or have
  failed, lose their content, and a person has to ask the provider about them.
  Without --yes it only counts. It cannot be undone. Backups, and the append-only file until it is rewritten
  (BGREWRITEAOF), still hold the keys: docs/retention.md.

Options
  --account-number N   who was paid at a bank
  --openid O           who was paid by WeChat Pay
  --customer NAME      who paid in
  --reason TEXT        one line that says why, for the archive; required with --yes
  --by NAME            who says so (default cli)
  --yes                does it
  --json               prints the result as JSON
`

const options = {
  'account-number': { type: 'string' },
  openid: { type: 'string' },
  customer: { type: 'string' },
  reason: { type: 'string' },
  by: { type: 'string', default: 'cli' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

export interface EraseWaits {
  pause(ms: number): Promise<void>
}

/** 0 done, 1 it is not all done, 2 the words of the command are off. */
export async function runErase(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
  waits: EraseWaits = { pause: (ms) => pause(ms) },
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  if (flags.help) {
    output.out(help)
    return 0
  }
  const name = readName(flags)
  if (!name || positionals.length > 0) {
    output.err('tallyhook erase: who? One of --account-number, --openid and --customer.\n')
    return 2
  }
  if (flags.yes && !isLine(flags.reason)) throw usage('--reason: it is required, one line that says why.')
  if (!isLine(flags.by)) throw usage('--by: it must be one line.')
  const config = loadConfig(env, false)
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    const digestPerson = createDigest(deriveKey(config.seal.indexKey, 'person'))
    const person = toPerson(name, digestPerson)
    const work = prepare(redis, keys, config, person, digestPerson)
    if (!flags.yes) return show(await look(redis, keys, person, work.look), flags, output)
    const action = { by: flags.by, action: 'person.erase', reason: flags.reason }
    return await createOnRecord(
      redis,
      keys,
      config,
    )(action, (note) =>
      withRecord(config, name, flags, async (done) => {
        const erased = await erase({ redis, keys, ...work, ...waits }, person.digest)
        note({ after: { named: name.kind, keys: erased.keys, intents: erased.intents } })
        const exitCode = report(erased, flags, output)
        output.err(`${JSON.stringify(await done(erased))}\n`)
        return exitCode
      }),
    )
  } finally {
    redis.disconnect()
  }
}

function readName(flags: Flags): PersonName | undefined {
  const given = (['account-number', 'openid', 'customer'] as const).flatMap((kind): PersonName[] => {
    const text = flags[kind]?.trim()
    return text ? [{ kind, text }] : []
  })
  return given.length === 1 ? given[0] : undefined
}

function isLine(text: string | undefined): text is string {
  return text !== undefined && /^[^\p{Cc}]{1,500}$/u.test(text) && text.trim() !== ''
}

function prepare(
  redis: RedisClient,
  keys: Keys,
  config: Config,
  person: PersonToErase,
  digestPerson: (text: string) => string,
) {
  const keyring = createKeyring(config.seal.keys)
  const providers = createProviders(config, { clock: Date.now, randomBytes, logger: silentLogger })
  const deps = {
    redis,
    keys,
    keyring,
    scripts: loadScripts(redis),
    queues: [queueKeysOf(queuePrefix, callbackQueueName)],
    mentions: createMentions({ providers, digestPerson }, person),
  }
  return {
    vault: createVault({ redis, keys, sealer: keyring, persons: createPersonSealer() }),
    pass: () => runErasePass(deps, 'erase'),
    look: () => runErasePass(deps, 'look'),
  }
}

async function look(
  redis: RedisClient,
  keys: Keys,
  { digest }: PersonToErase,
  pass: () => Promise<ErasePass>,
): Promise<Erased> {
  const found: Erased = { keys: 0, intents: 0, ...(await pass()) }
  for (let partition = 0; partition < keys.partitions; partition++) {
    found.keys += await redis.exists(keys.person(partition, digest))
    found.intents += await redis.zcard(keys.payee(partition, digest))
  }
  return found
}

/** A line is of an account, and an erasure of none in particular. */
const everyAccount = 'all'

/**
 * Who, when, why and how many; not who it was about. That it begins is on record before anything is erased, so that an archive
 * which cannot be written stops it.
 */
async function withRecord(
  { archive: { dir } }: Config,
  { kind }: PersonName,
  { by, reason }: Flags,
  work: (done: (counts: Erased) => Promise<object>) => Promise<number>,
): Promise<number> {
  const archive = createArchive({ dir, clock: Date.now, randomBytes, logger: silentLogger })
  const id = `erasure-${encodeBytes(randomBytes(15))}`
  const write = (data: object) =>
    archive.append([{ kind: 'erasure', id, account: everyAccount, at: Date.now(), data: { v: 1, ...data } }])
  try {
    await write({ phase: 'begun', by, reason, named: kind })
    return await work(async (counts) => {
      await write({ phase: 'done', by, reason, named: kind, counts })
      return { event: 'person.erased', id, by, named: kind, ...counts }
    })
  } finally {
    await archive.close()
  }
}

function show(found: Erased, { json }: Flags, output: Output): number {
  if (json) output.out(`${JSON.stringify({ outcome: 'looked', ...found })}\n`)
  else output.out(`${describe(found)}Nothing was changed. --yes erases.\n`)
  return 0
}

function report(erased: Erased, { json }: Flags, output: Output): number {
  const isDone = erased.waiting === 0 && erased.unread === 0
  if (json) output.out(`${JSON.stringify({ outcome: isDone ? 'erased' : 'not-finished', ...erased })}\n`)
  else output.out(`${describe(erased)}${isDone ? 'Erased.\n' : describeRest(erased)}`)
  return isDone ? 0 : 1
}

function describe({ keys, intents, parked, failedJobs, quarantined, waiting, unread }: Erased): string {
  const lines: [string, number][] = [
    ['keys', keys],
    ['transfers found by the number', intents],
    ['callbacks that wait for a registration', parked],
    ['failed jobs', failedJobs],
    ['refused callbacks', quarantined],
    ['callbacks on their way', waiting],
    ['things that could not be opened', unread],
  ]
  return lines.map(([what, count]) => `  ${String(count).padStart(6)}  ${what}\n`).join('')
}

function describeRest({ waiting, unread }: Erased): string {
  const rest: string[] = []
  if (waiting > 0)
    rest.push(`${waiting} callbacks wait for a worker. Run this again when the workers have taken them.\n`)
  if (unread > 0)
    rest.push(
      `${unread} things could not be opened with the keys that are configured, and were not looked at.\n`,
    )
  return `Not all is done.\n${rest.join('')}`
}
