/** `tallyhook subscriptions`: how those fare that events are pushed to, and sending again, for whoever reaches the Redis. */
import { randomBytes } from 'node:crypto'
import { describeFixed, keyPrefix } from '../compose/base.ts'
import { createDeliveryParts, type DeliveryParts } from '../compose/deliveries.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { listDeliveries, readListRequest } from '../http/api/deliveries.ts'
import type { DeliveryResource } from '../http/api/delivery-present.ts'
import { findSubscription } from '../http/api/find-subscription.ts'
import { replayRequestSchema } from '../http/api/replay-request.ts'
import { presentCount } from '../http/api/replays.ts'
import { type ShownSubscription, showSubscription } from '../http/api/subscription-present.ts'
import { validate } from '../http/api/validate.ts'
import { createKeyring } from '../seal/keyring.ts'
import { createEndpoints, type Endpoints } from '../store/endpoints.ts'
import { createEventLog } from '../store/event-log.ts'
import { createKeys } from '../store/keys.ts'
import { openEpoch, refuseDifference } from '../store/meta.ts'
import { loadScripts } from '../store/scripts.ts'
import { createSubscriptions, type Subscriptions } from '../store/subscriptions.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { parseArguments, readLimit, usage } from './arguments.ts'
import { createOnRecord, type OnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook subscriptions: those that events are pushed to

Usage: tallyhook subscriptions [command] [options]
  list             all of them, oldest first, and how their endpoints fare (default)
  deliveries <id>  what was tried, newest first; with --status what is delivered, given up or not delivered yet
  replay <id>      sends a stretch of the log again; the workers do it, in order for each intent
  replays <id>     the replays that run, and the last that have ended

Options
  --status STATUS  deliveries: delivered, failing, waiting or skipped ones
  --event ID       deliveries: of this event
  --subject ID     deliveries: of this transfer, batch, coupon or case
  --after NEXT     deliveries: those behind the end of an earlier list. replay: a cursor, what is behind it
  --limit N        deliveries: how many (default 100)
  --since TIME     replay: what was logged at this time or later, as 2027-01-10T00:00:00Z
  --missed WHICH   replay: what was missed while it was disabled: all, or a place in the list, from 0
  --till TIME      replay: nothing that was logged later (default: now)
  --until CURSOR   replay: nothing behind this cursor
  --types LIST     replay: these types alone, as tallyhook.transfer.*,tallyhook.batch.*
  --dry-run        replay: counts, and sends nothing
  --by NAME        replay: who says so (default cli)
  --json           prints the result as JSON
`

const options = {
  status: { type: 'string' },
  event: { type: 'string' },
  subject: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string' },
  since: { type: 'string' },
  missed: { type: 'string' },
  till: { type: 'string' },
  until: { type: 'string' },
  types: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  by: { type: 'string', default: 'cli' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

interface Parts extends DeliveryParts {
  onRecord: OnRecord
  subscriptions: Subscriptions
  endpoints: Endpoints
}

type Act = (parts: Parts, id: string, flags: Flags, output: Output) => Promise<number>

/** 0 done, 1 it failed, 2 the words of the command are off. */
export async function runSubscriptions(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  const [command = 'list', id, ...more] = positionals
  if (flags.help) {
    output.out(help)
    return 0
  }
  const act = acts.get(command)
  if ((command !== 'list' && !act) || (act !== undefined) !== (id !== undefined) || more.length > 0) {
    output.err('tallyhook subscriptions: which command? tallyhook subscriptions --help lists them.\n')
    return 2
  }
  return withParts(loadConfig(env, false), async (parts) => {
    if (!act || id === undefined) return list(parts, flags, output)
    return act(parts, id, flags, output).catch(nameFlag)
  })
}

async function withParts(config: Config, use: (parts: Parts) => Promise<number>): Promise<number> {
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    loadScripts(redis)
    const sealer = createKeyring(config.seal.keys)
    const limits = { historyMs: config.deliveries.historyMs, logMs: config.retention.logMs }
    const log = createEventLog({ redis, keys })
    const epoch = await openEpoch(redis, keys, randomBytes)
    return await use({
      onRecord: createOnRecord(redis, keys, config),
      ...createDeliveryParts({ redis, keys, limits, log, epoch, logger: silentLogger }),
      subscriptions: createSubscriptions({ redis, keys, sealer, clock: Date.now }),
      endpoints: createEndpoints({ redis, keys }),
    })
  } finally {
    redis.disconnect()
  }
}

async function list({ subscriptions, endpoints }: Parts, { json }: Flags, output: Output): Promise<number> {
  const items: ShownSubscription[] = []
  for (const one of await subscriptions.list())
    items.push(showSubscription(one, await endpoints.find(one.id), Date.now()))
  if (json) output.out(`${JSON.stringify({ items, next: null })}\n`)
  else for (const one of items) output.out(`${one.id}  ${describeState(one)}  ${hostOf(one.url)}\n`)
  return 0
}

function describeState({ disabled, health }: ShownSubscription): string {
  if (disabled) return `disabled (${disabled.because}) since ${disabled.at}`
  if (!health) return 'ok (nothing was sent yet)'
  if (health.state === 'ok') return 'ok'
  const { lastFailure, failingSince, openUntil } = health
  const why = lastFailure ? `: ${lastFailure.error ?? ''} ${lastFailure.status ?? ''}`.trimEnd() : ''
  const until = openUntil ? `, nothing is sent until ${openUntil}` : ''
  return `failing since ${failingSince}${until}${why}`
}

/** Its path and query may be secret. */
function hostOf(url: string): string {
  return new URL(url).host
}

const showDeliveries: Act = async (parts, id, flags, output) => {
  const { status, event, subject, after } = flags
  const limit = flags.limit === undefined ? undefined : String(readLimit(flags.limit))
  const request = readListRequest({ status, event, subject, after, limit })
  const subscription = await findSubscription(parts.subscriptions, id)
  const { items, next } = await listDeliveries(parts, subscription, request)
  if (flags.json) output.out(`${JSON.stringify({ items, next })}\n`)
  else {
    for (const one of items) output.out(`${describeDelivery(one)}\n`)
    if (next) output.err(`There are more: --after ${next}\n`)
  }
  return 0
}

function describeDelivery(one: DeliveryResource): string {
  const { at, event, type, status, attempt, error, response, latencyMs, nextAttemptAt } = one
  const parts = [
    at ?? '-',
    status,
    event,
    type,
    ...(attempt > 0 ? [`attempt ${attempt}`] : []),
    ...(error === undefined ? [] : [error]),
    ...(response === undefined ? [] : [String(response.status)]),
    ...(latencyMs === undefined ? [] : [`${latencyMs} ms`]),
    ...(nextAttemptAt === undefined ? [] : [`next ${nextAttemptAt}`]),
  ]
  return parts.join('  ')
}

const replay: Act = async (parts, id, flags, output) => {
  const { after, since, till, until, types } = flags
  const asked = validate(replayRequestSchema, {
    after,
    since,
    missed: readMissed(flags.missed),
    till,
    until,
    types: types?.split(','),
  })
  const subscription = await findSubscription(parts.subscriptions, id)
  const counted = await parts.replaying.count(subscription, asked)
  const events = `${counted.atLeast ? 'at least ' : ''}${counted.count} events`
  if (flags['dry-run']) {
    const shown = presentCount(counted, parts.encodeCursor)
    output.out(flags.json ? `${JSON.stringify(shown)}\n` : `${events} would be sent. Nothing was.\n`)
    return 0
  }
  const by = flags.by.trim()
  if (!/^[^\p{Cc}\p{Cs}]{1,64}$/u.test(by))
    throw usage('--by: it must be one line, of 64 characters at most.')
  const action = { by, action: 'replay.start', target: subscription.id }
  const started = await parts.onRecord(action, async (note) => {
    const replay = await parts.replaying.start(subscription, counted, { types: asked.types, by })
    note({ after: { run: replay.id, count: counted.count } })
    return replay
  })
  if (flags.json) output.out(`${JSON.stringify(await parts.showReplay(started))}\n`)
  else
    output.out(`${started.id}: ${events} are sent now; tallyhook subscriptions replays ${id} says how far.\n`)
  return 0
}

function readMissed(text: string | undefined): unknown {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : text
}

const showReplays: Act = async (parts, id, { json }, output) => {
  const subscription = await findSubscription(parts.subscriptions, id)
  const items = await Promise.all((await parts.replays.list(subscription.id)).map(parts.showReplay))
  if (json) output.out(`${JSON.stringify({ items, next: null })}\n`)
  else {
    for (const { id, state, createdAt, count, delivered, skipped, waiting } of items)
      output.out(
        `${id}  ${createdAt}  ${state}  ${delivered} of ${count} delivered, ${skipped} skipped, ${waiting} waiting\n`,
      )
  }
  return 0
}

const acts: ReadonlyMap<string, Act> = new Map([
  ['deliveries', showDeliveries],
  ['replay', replay],
  ['replays', showReplays],
])

/** What is off with the request is told by the option that it came from. */
function nameFlag(error: unknown): never {
  const [first] = error instanceof AppError && error.code.startsWith('invalid-') ? error.errors : []
  if (!first) throw error
  throw usage(first.path === '' ? first.message : `--${first.path}: ${first.message}`)
}
