/** `tallyhook cases`: what only a person can settle, for whoever has the configuration and reaches its Redis. */
import { describeFixed, keyPrefix } from '../compose/base.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { caseStates } from '../domain/case.ts'
import { presentCase } from '../events/case-resource.ts'
import { caseReasonSchema, findCase, resolveByPerson } from '../http/api/cases.ts'
import { type Cases, createCases, isCasePlace } from '../store/cases.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { parseArguments, readLimit, usage } from './arguments.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook cases: what only a person can settle

Usage: tallyhook cases <command> [options]
  list           the newest first
  show <id>      one of them
  resolve <id>   notes that it is dealt with; a failed job stays where it is, and can still be retried

Options
  --account ID   list: of this account alone
  --state STATE  list: open or resolved ones alone
  --after NEXT   list: those behind the end of an earlier list
  --limit N      list: how many (default 100)
  --reason TEXT  resolve: one line that says why; required
  --by NAME      resolve: who says so (default cli)
  --json         prints the result as JSON
`

const options = {
  account: { type: 'string' },
  state: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string', default: '100' },
  reason: { type: 'string' },
  by: { type: 'string', default: 'cli' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

/** 0 done, 1 it failed, 2 the words of the command are off. */
export async function runCases(
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
  const wantsId = command === 'show' || command === 'resolve'
  if ((command !== 'list' && !wantsId) || wantsId !== (id !== undefined) || more.length > 0) {
    output.err('tallyhook cases: which command? tallyhook cases --help lists them.\n')
    return 2
  }
  const act = command === 'resolve' ? resolve : show
  return withCases(loadConfig(env, false), (cases) =>
    id === undefined ? list(cases, flags, output) : act(cases, id, flags, output),
  )
}

async function withCases(config: Config, use: (cases: Cases) => Promise<number>): Promise<number> {
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    return await use(createCases({ redis, keys, clock: Date.now }))
  } finally {
    redis.disconnect()
  }
}

async function list(cases: Cases, flags: Flags, output: Output): Promise<number> {
  const { account, after } = flags
  const limit = readLimit(flags.limit)
  const state = caseStates.find((known) => known === flags.state)
  if (flags.state !== undefined && !state) throw usage(`--state: it must be ${caseStates.join(' or ')}.`)
  if (after !== undefined && !isCasePlace(after))
    throw usage('--after: it is not the end of an earlier list.')
  const page = await cases.list({ account, state, after, limit })
  const items = page.cases.map(presentCase)
  if (flags.json) output.out(`${JSON.stringify({ items, next: page.next })}\n`)
  else {
    for (const one of items)
      output.out(`${one.id}  ${one.openedAt}  ${one.account}  ${one.state}  ${one.code}: ${one.reason}\n`)
    if (page.next) output.err(`There are more: --after ${page.next}\n`)
  }
  return 0
}

async function show(cases: Cases, id: string, { json }: Flags, output: Output): Promise<number> {
  output.out(`${JSON.stringify(presentCase(await findCase(cases, id)), null, json ? 0 : 2)}\n`)
  return 0
}

async function resolve(cases: Cases, id: string, flags: Flags, output: Output): Promise<number> {
  const reason = readLine('reason', flags.reason)
  const resolved = await resolveByPerson(cases, id, { by: readLine('by', flags.by), reason })
  if (flags.json) output.out(`${JSON.stringify(presentCase(resolved.after))}\n`)
  else output.out('Resolved. Its job, if it failed, stays where it is.\n')
  return 0
}

function readLine(name: string, text: string | undefined): string {
  const parsed = caseReasonSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw usage(`--${name}: ${parsed.error.issues[0]?.message ?? 'It is not valid.'}`)
}
