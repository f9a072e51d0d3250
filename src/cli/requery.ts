/** `tallyhook requery`: what one does after a backup was restored. */
import { describeFixed, keyPrefix } from '../compose/base.ts'
import { loadConfig } from '../config/config.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { type Requeried, requery } from '../store/requery.ts'
import { loadScripts } from '../store/scripts.ts'
import { parseArguments, usage } from './arguments.ts'
import { createOnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook requery: wants the providers asked about everything that is not settled

Usage: tallyhook requery [--account ID] [--yes]

  Puts every transfer, batch and coupon that is not settled at the head of those to be asked about, whatever was
  planned for it; nothing else changes, and nothing is sent again. The workers ask then, within the limits of each
  provider and the largest amounts first; what cannot be asked about, as an account without credentials for calls, waits
  for its callback. It is what one does after a backup was restored: what came after the backup was made is not in it.
  Without --yes it only counts. Doing it twice does no harm.

Options
  --account ID   of this account alone
  --yes          does it
  --json         prints the result as JSON
`

const options = {
  account: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** 0 done, 1 it failed, 2 the words of the command are off. */
export async function runRequery(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  if (flags.help) {
    output.out(help)
    return 0
  }
  if (positionals.length > 0) throw usage(`There is no ${positionals.join(' ')} to say here; see --help.`)
  const config = loadConfig(env, false)
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    const { account } = flags
    // One that was taken out of the configuration may still have something pending.
    if (account !== undefined && !(await redis.sismember(keys.accounts, account)))
      throw usage(`--account: there never was an account ${account}.`)
    loadScripts(redis)
    const mode = flags.yes ? 'ask' : 'look'
    const ask = () => requery({ redis, keys, clock: Date.now }, { account, mode })
    const action = { by: 'cli', action: 'requery.ask', target: account }
    const result = flags.yes ? await createOnRecord(redis, keys, config)(action, ask) : await ask()
    output.out(flags.json ? `${JSON.stringify({ mode, ...result })}\n` : describe(result, flags.yes))
    return 0
  } finally {
    redis.disconnect()
  }
}

function describe({ seen, unsettled, accounts, held }: Requeried, isDone: boolean): string {
  const each = Object.entries(accounts).map(([account, count]) => `  ${account}  ${count}\n`)
  const heldToo = held > 0 ? `${held} of them are held for a person.\n` : ''
  const end = isDone
    ? 'The providers are asked about them now, within their limits.'
    : 'Nothing was changed. --yes asks.'
  return `${unsettled} of ${seen} are not settled.\n${each.join('')}${heldToo}${end}\n`
}
