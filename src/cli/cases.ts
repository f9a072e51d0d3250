/** `tallyhook cases`: what only a person can settle, for whoever has the configuration and reaches its Redis. */
import { loadConfig } from '../config/config.ts'
import { type Case, caseStates } from '../domain/case.ts'
import { AppError } from '../domain/errors.ts'
import { resolutionActions } from '../domain/observation.ts'
import { presentCase } from '../events/case-resource.ts'
import { caseReasonSchema, factsOfResolved, findCase, presentWhole } from '../http/api/cases.ts'
import { readTarget } from '../http/audited.ts'
import { isCasePlace } from '../store/cases.ts'
import { parseArguments, readLimit, usage } from './arguments.ts'
import { type DirectParts, withCaseParts } from './case-parts.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook cases: what only a person can settle

Usage: tallyhook cases <command> [options]
  list           the newest first: by when each was opened, or was resolved
  show <id>      one of them, with what we know and what each receipt said
  resolve <id>   of what is held: decides it, by --action. Of anything else: notes that it is dealt with; a failed job
                 stays where it is, and can still be retried

Options
  --account ID   list: of this account alone
  --state STATE  list: open or resolved ones alone
  --after NEXT   list: those behind the end of an earlier list
  --limit N      list: how many (default 100)
  --reason TEXT  resolve: one line that says why; required
  --action WHAT  resolve, of what is held; required then. take-theirs: what was reported is taken. keep-ours: it is not,
                 and what was held before it was sent, as for the beneficiary's name, is sent now. cancel: it is
                 cancelled, where it cannot have been paid
  --receipt ID   resolve: take-theirs takes what this one said (default: the one that opened the case)
  --by NAME      resolve: who says so (default cli)
  --json         prints the result as JSON
`

const options = {
  account: { type: 'string' },
  state: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string', default: '100' },
  reason: { type: 'string' },
  action: { type: 'string' },
  receipt: { type: 'string' },
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
  return withCaseParts(loadConfig(env, false), (parts) =>
    id === undefined ? list(parts, flags, output) : act(parts, id, flags, output),
  )
}

async function list({ cases }: DirectParts, flags: Flags, output: Output): Promise<number> {
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
    for (const one of items) output.out(`${describeCase(one)}\n`)
    if (items.length === 0) output.err(describeNone(flags))
    if (page.next) output.err(`There are more: --after ${page.next}\n`)
  }
  return 0
}

/** With the time that it is listed by. */
function describeCase(one: ReturnType<typeof presentCase>): string {
  const { id, account, state, code, reason } = one
  const at = one.state === 'resolved' ? one.resolvedAt : one.openedAt
  return `${id}  ${at}  ${account}  ${state}  ${code}: ${reason}`
}

function describeNone({ account, state, after }: Flags): string {
  const which = state === undefined ? 'case' : `${state} case`
  const more = after === undefined ? '' : ' beyond that'
  return `There is no ${which}${account === undefined ? '' : ` of ${account}`}${more}.\n`
}

/** Whoever has the configuration has its keys: names are shown, numbers are not. */
async function show(
  { cases, readSides }: DirectParts,
  id: string,
  { json }: Flags,
  output: Output,
): Promise<number> {
  const shown = await presentWhole(await findCase(cases, id), readSides, { names: true })
  output.out(`${JSON.stringify(shown, null, json ? 0 : 2)}\n`)
  return 0
}

async function resolve(parts: DirectParts, id: string, flags: Flags, output: Output): Promise<number> {
  const { receipt } = flags
  const action = resolutionActions.find((known) => known === flags.action)
  if (flags.action !== undefined && !action)
    throw usage(`--action: it must be one of ${resolutionActions.join(', ')}.`)
  const said = { by: readLine('by', flags.by), reason: readLine('reason', flags.reason) }
  const asked = { ...said, action: 'case.resolve', target: readTarget([id]) }
  const after = await parts.onRecord(asked, async (note) => {
    const { after } = await parts.resolve({ ...said, id, action, receipt }).catch(nameFlag)
    note({ before: { state: 'open' }, after: factsOfResolved(after, action) })
    return after
  })
  if (flags.json) output.out(`${JSON.stringify(presentCase(after))}\n`)
  else output.out(`${describeResolved(after)}\n`)
  return 0
}

function describeResolved({ kind }: Case): string {
  if (kind === 'held') return 'Resolved. It is released, and what came meanwhile is decided anew.'
  return 'Resolved. Its job, if it failed, stays where it is.'
}

/** What is off with the request is told by the option that it came from. */
function nameFlag(error: unknown): never {
  const [first] = error instanceof AppError ? error.errors : []
  throw first ? usage(`--${first.path}: ${first.message}`) : error
}

function readLine(name: string, text: string | undefined): string {
  const parsed = caseReasonSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw usage(`--${name}: ${parsed.error.issues[0]?.message ?? 'It is not valid.'}`)
}
