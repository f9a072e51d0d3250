/** `tallyhook quarantine`: refused callbacks, for whoever has the configuration and reaches its Redis. */
import { randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import { openArchive } from '../compose/archive.ts'
import { describeFixed, keyPrefix, queuePrefix } from '../compose/base.ts'
import { createProviders } from '../compose/providers.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { createIdMaker } from '../domain/ids.ts'
import { type FindDeps, findReceipt, presentEntry, presentFound } from '../http/api/receipts.ts'
import { createReverify, type Reverify } from '../http/api/reverify.ts'
import { createSourceRule } from '../http/callbacks/source.ts'
import { callbackQueueName } from '../queue/catalogue.ts'
import { findQueuedReceipt } from '../queue/job-data.ts'
import { createKeyring } from '../seal/keyring.ts'
import { createPersonSealer } from '../seal/person-keys.ts'
import { createKeyUsage } from '../store/key-usage.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { createQuarantine } from '../store/quarantine.ts'
import { createOpenBody, createReceiptFinder } from '../store/receipts.ts'
import { loadScripts } from '../store/scripts.ts'
import { createVault } from '../store/vault.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { parseArguments, readLimit, usage } from './arguments.ts'
import { createOnRecord, type OnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook quarantine: refused callbacks

Usage: tallyhook quarantine <command> [options]
  list          the newest first
  show <id>     one of them; what it says is never shown
  accept <id>   verifies it again, as of the moment at which it came, and puts it on the queue if it proves genuine;
                exits 1 if it does not

Options
  --account ID  list: of this account alone
  --after ID    list: those before this one
  --limit N     list: how many (default 100)
  --json        prints the result as JSON
`

const options = {
  account: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

/** 0 done, 1 it failed or was refused again, 2 the words of the command are off. */
export async function runQuarantine(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  const [command, id, ...more] = positionals
  if (flags.help) {
    output.out(help)
    return 0
  }
  const wantsId = command === 'show' || command === 'accept'
  if ((command !== 'list' && !wantsId) || wantsId !== (id !== undefined) || more.length > 0) {
    output.err('tallyhook quarantine: which command? tallyhook quarantine --help lists them.\n')
    return 2
  }
  return withStore(loadConfig(env, false), async (store) => {
    if (id === undefined) return list(store, flags, output)
    return command === 'show' ? show(store, id, flags, output) : accept(store, id, flags, output)
  })
}

type Store = FindDeps & { reverify: Reverify; onRecord: OnRecord }

async function withStore(config: Config, use: (store: Store) => Promise<number>): Promise<number> {
  const redis = await connectDirectly(config)
  const queue = new Queue(callbackQueueName, { connection: redis, prefix: queuePrefix })
  queue.on('error', () => {})
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    // What is sealed here has to be readable for the service.
    await refuseDifference(redis, keys, describeFixed(config))
    const scripts = loadScripts(redis)
    const keyring = createKeyring(config.seal.keys)
    const vault = createVault({ redis, keys, sealer: keyring, persons: createPersonSealer() })
    const ids = createIdMaker(Date.now, randomBytes)
    const limits = config.quarantine
    const quarantine = createQuarantine({
      redis,
      scripts,
      keys,
      sealer: keyring,
      ids,
      limits,
      clock: Date.now,
    })
    const usage = createKeyUsage({ redis, scripts, keys })
    const providers = createProviders(config, { clock: Date.now, randomBytes, logger: silentLogger })
    const exitCode = await use({
      onRecord: createOnRecord(redis, keys, config),
      accounts: [...providers.keys()],
      quarantine,
      receipts: createReceiptFinder({ redis, keys, archive: openArchive(config.archive) }),
      findQueued: (id) => findQueuedReceipt(queue, id),
      reverify: createReverify({
        providers,
        isSourceAllowed: createSourceRule(config.callbacks.sources),
        quarantine,
        addJobs: (jobs) => queue.addBulk(jobs),
        seal: keyring.seal,
        openBody: createOpenBody({ keys, sealer: keyring, vault }),
        ids,
        noteUse: usage.note,
      }),
    })
    await usage.flush()
    return exitCode
  } finally {
    await queue.close()
    redis.disconnect()
  }
}

async function list({ accounts, quarantine }: Store, flags: Flags, output: Output): Promise<number> {
  const limit = readLimit(flags.limit)
  const asked = flags.account === undefined ? accounts : [flags.account]
  const { entries, next } = await quarantine.list({ accounts: asked, after: flags.after, limit })
  const items = entries.map(presentEntry)
  if (flags.json) output.out(`${JSON.stringify({ items, next })}\n`)
  else {
    for (const { id, receivedAt, account, reason, source, bytes } of items)
      output.out(`${id}  ${receivedAt}  ${account}  ${reason}  from ${source}  ${bytes} bytes\n`)
    if (next) output.err(`There are more: --after ${next}\n`)
  }
  return 0
}

async function show(store: Store, id: string, flags: Flags, output: Output): Promise<number> {
  const shown = presentFound(await findReceipt(store, id))
  output.out(`${JSON.stringify(shown, null, flags.json ? 0 : 2)}\n`)
  return 0
}

async function accept(store: Store, id: string, flags: Flags, output: Output): Promise<number> {
  const found = await findReceipt(store, id)
  if (found.where !== 'quarantine') throw usage(`It is not in quarantine (any more), but in: ${found.where}.`)
  const { entry } = found
  const action = { by: 'cli', action: 'receipt.reverify', target: id }
  const answer = await store.onRecord(action, async (note) => {
    const answer = await store.reverify.quarantined(entry)
    note({ before: { where: 'quarantine' }, after: { outcome: answer.outcome } })
    return answer
  })
  if (flags.json) output.out(`${JSON.stringify({ id, ...answer })}\n`)
  else if (answer.outcome === 'authentic') output.out(`Accepted: the key ${answer.keyId} proves it.\n`)
  else output.out(`Still refused: ${answer.reason}.\n`)
  return answer.outcome === 'authentic' ? 0 : 1
}
