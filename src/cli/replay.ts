/** `tallyhook replay`: what failed, waits or was recorded, planned and decided on once more. The workers do it. */
import { loadConfig } from '../config/config.ts'
import type { CallbackReplay, ReplayQuery } from '../domain/callback-replay.ts'
import { AppError } from '../domain/errors.ts'
import {
  callbackQuerySchema,
  factsOf,
  presentPlan,
  presentReplay,
  presentWhole,
  readQuery,
} from '../http/api/callback-replays.ts'
import { caseReasonSchema } from '../http/api/cases.ts'
import { validate } from '../http/api/validate.ts'
import { readTarget } from '../http/audited.ts'
import { type CallbackReplays, perSecondMax } from '../workers/replay/replays.ts'
import { parseArguments, usage } from './arguments.ts'
import type { OnRecord } from './audit-parts.ts'
import { type Output, processOutput } from './output.ts'
import { withReplays } from './replay-parts.ts'
import { tellPlan, tellProgress, tellReplay } from './replay-words.ts'

const help = `tallyhook replay: callbacks that failed, decided on once more

Usage: tallyhook replay [options]             says what would happen; with --yes it is done
       tallyhook replay list                  those that run, and the newest that have ended
       tallyhook replay show <id>             one of them, with its plan and what failed again
       tallyhook replay abort <id>            stops it; what was done stays done
       tallyhook replay resume <id>           goes on with one that was aborted, and follows it

  They are decided on in the order in which they came, as the first time; what was applied changes nothing. The workers of
  the running service do it, in the background: Ctrl-C ends this command and not the replay.

Which ones; without any, all that failed
  --from LIST        where to look: failed, parked, recorded (default failed; of --ids everywhere)
  --account ID       of this account
  --since TIME       received at this time or later, as 2027-01-10T00:00:00Z
  --until TIME       received before this time
  --code CODE        that failed with this code, as callback-not-understood
  --reference TEXT   about this reference of yours
  --ids LIST         these receipts, jobs, cases or intents

Options
  --dry-run          only says what would happen (as without --yes)
  --yes              does it
  --reason TEXT      one line that says why; required with --yes
  --per-second N     how many callbacks a second (default 50)
  --by NAME          who says so (default cli)
  --json             prints the result as JSON

Exit code: 0 done, 1 it failed, was aborted, or some callbacks failed again, 2 the words of the command are off
`

const options = {
  from: { type: 'string' },
  account: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  code: { type: 'string' },
  reference: { type: 'string' },
  ids: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  reason: { type: 'string' },
  'per-second': { type: 'string', default: '50' },
  by: { type: 'string', default: 'cli' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

interface Call {
  replays: CallbackReplays
  onRecord: OnRecord
  flags: Flags
  output: Output
}

const commands = { show, abort, resume } as const

export async function runReplay(
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
  const config = () => loadConfig(env, false)
  const act = Object.entries(commands).find(([name]) => name === command)?.[1]
  const isKnown = command === undefined || command === 'list' || act !== undefined
  if (!isKnown || (act !== undefined) !== (id !== undefined) || more.length > 0) {
    output.err('tallyhook replay: which command? tallyhook replay --help lists them.\n')
    return 2
  }
  if (act && id !== undefined)
    return withReplays(config(), (replays, onRecord) => act({ replays, onRecord, flags, output }, id))
  if (command === 'list')
    return withReplays(config(), (replays, onRecord) => list({ replays, onRecord, flags, output }))
  if (flags.yes && flags['dry-run']) throw usage('--yes does it, and --dry-run does not: only one of them.')
  const request = { query: readFlags(flags), ...readWords(flags) }
  return withReplays(config(), (replays, onRecord) => {
    const call = { replays, onRecord, flags, output }
    const { reason } = request
    return reason === undefined ? plan(call, request.query) : begin(call, { ...request, reason })
  })
}

async function plan({ replays, flags, output }: Call, query: ReplayQuery): Promise<number> {
  const planned = await replays.plan(query)
  if (flags.json) output.out(`${JSON.stringify(presentPlan(planned))}\n`)
  else output.out(tellPlan(planned))
  if (planned.callbacks > 0 && !flags['dry-run'])
    output.err('Nothing was done. --yes --reason "…" does it.\n')
  return 0
}

async function begin(
  call: Call,
  request: { query: ReplayQuery; by: string; reason: string; perSecond: number },
): Promise<number> {
  const { by, reason } = request
  const action = { by, reason, action: 'callback-replay.begin' }
  const { replay, plan: planned } = await call.onRecord(action, async (note) => {
    const begun = await call.replays.begin(request)
    note({ after: factsOf(begun.replay) })
    return begun
  })
  if (!call.flags.json) call.output.out(tellPlan(planned))
  return follow(call, replay)
}

async function list({ replays, flags, output }: Call): Promise<number> {
  const all = await replays.list()
  if (flags.json) output.out(`${JSON.stringify({ items: all.map(presentReplay), next: null })}\n`)
  else for (const one of all) output.out(tellReplay(one))
  return 0
}

async function show({ replays, flags, output }: Call, id: string): Promise<number> {
  const whole = await replays.find(id)
  output.out(`${JSON.stringify(presentWhole(whole), null, flags.json ? 0 : 2)}\n`)
  return 0
}

async function abort({ replays, onRecord, flags, output }: Call, id: string): Promise<number> {
  const by = readLine('by', flags.by)
  const replay = await onRecord({ by, action: 'callback-replay.abort', target: readTarget([id]) }, () =>
    replays.abort(id),
  )
  output.out(flags.json ? `${JSON.stringify(presentReplay(replay))}\n` : tellReplay(replay))
  return 0
}

async function resume(call: Call, id: string): Promise<number> {
  const by = readLine('by', call.flags.by)
  const replay = await call.onRecord({ by, action: 'callback-replay.resume', target: readTarget([id]) }, () =>
    call.replays.resume(id),
  )
  return follow(call, replay)
}

const lookEveryMs = 250
const tellEveryMs = 1_000
/** One that moves no more than that has nobody who works on it. */
const patienceMs = 15_000

/** Until it has ended. */
async function follow(call: Call, begun: CallbackReplay): Promise<number> {
  const { replays, output } = call
  output.err(`Replay ${begun.id} has begun; tallyhook replay abort ${begun.id} stops it.\n`)
  let last = begun
  let movedAt = Date.now()
  let toldAt = 0
  while (last.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    const { replay } = await replays.find(begun.id)
    const now = Date.now()
    if (replay.done !== last.done) movedAt = now
    else if (now - movedAt > patienceMs && replay.state === 'running') {
      throw new AppError('internal-error', {
        detail: `No worker goes on with ${begun.id}. It is kept, and goes on by itself once one runs.`,
      })
    }
    if (replay.done !== last.done && now - toldAt >= tellEveryMs) {
      output.err(tellProgress(replay))
      toldAt = now
    }
    last = replay
  }
  return tellEnd(call, last)
}

async function tellEnd({ replays, flags, output }: Call, { id }: CallbackReplay): Promise<number> {
  const whole = await replays.find(id)
  const { replay, failures } = whole
  if (flags.json) output.out(`${JSON.stringify(presentWhole(whole))}\n`)
  else {
    output.out(`${replay.state === 'done' ? 'Done' : 'Aborted'}: ${tellProgress(replay)}`)
    for (const { receipt, code, reason } of failures) output.out(`  ${receipt}  ${code}: ${reason}\n`)
  }
  return replay.state === 'done' && !replay.outcomes.failed ? 0 : 1
}

function readFlags({ from, account, since, until, code, reference, ids }: Flags): ReplayQuery {
  const given = { from: split(from), account, since, until, code, reference, ids: split(ids) }
  try {
    return readQuery(validate(callbackQuerySchema, given))
  } catch (error) {
    const [first] = error instanceof AppError ? error.errors : []
    throw first ? usage(`--${first.path.replace(/\[\d+\]$/, '')}: ${first.message}`) : error
  }
}

/** The reason is there where it is to be done. */
function readWords(flags: Flags): { by: string; reason: string | undefined; perSecond: number } {
  const perSecond = Number(flags['per-second'])
  if (!Number.isInteger(perSecond) || perSecond < 1 || perSecond > perSecondMax)
    throw usage(`--per-second: it must be a whole number from 1 to ${perSecondMax}.`)
  const by = readLine('by', flags.by)
  return { by, perSecond, reason: flags.yes ? readLine('reason', flags.reason) : undefined }
}

function readLine(name: string, text: string | undefined): string {
  const parsed = caseReasonSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw usage(`--${name}: ${parsed.error.issues[0]?.message ?? 'It is not valid.'}`)
}

function split(text: string | undefined): string[] | undefined {
  return text?.split(',').map((part) => part.trim())
}
