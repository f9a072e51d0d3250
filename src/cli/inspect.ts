/** `tallyhook inspect`: one intent's timeline in the terminal, found by whatever name is at hand. */
import { loadConfig } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import type { Intent } from '../domain/intent.ts'
import { formatAmount } from '../domain/money.ts'
import { presentTimeline, type ShownItem } from '../http/api/timeline.ts'
import { parseArguments, usage } from './arguments.ts'
import { type DirectParts, withCaseParts } from './case-parts.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook inspect: why one transfer, batch, coupon or pay-in is where it is

Usage: tallyhook inspect <name> [options]
  name   its id, your reference, or the provider's number

All that was said of it, what was concluded and who has to decide, in order. Numbers of accounts are masked.

Options
  --account ID   of this account alone; otherwise of every one that is configured
  --json         prints the result as JSON, one line for each that has the name
`

const options = {
  account: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** 0 done, 1 there is no such thing, 2 the words of the command are off. */
export async function runInspect(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  if (flags.help) {
    output.out(help)
    return 0
  }
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0)
    throw usage('Which one? tallyhook inspect --help says how to name it.')
  const config = loadConfig(env, false)
  const accounts = config.accounts.map(({ id }) => id)
  if (flags.account !== undefined && !accounts.includes(flags.account))
    throw usage(`--account: there is no account ${flags.account}; there are ${accounts.join(', ')}.`)
  const asked = flags.account === undefined ? accounts : [flags.account]
  return withCaseParts(config, async (parts) => {
    const found = await parts.findNamed(name, asked)
    if (found.length === 0) throw new AppError('not-found', { detail: `Nothing is known under ${name}.` })
    for (const intent of found) await show(parts, intent, flags.json, output)
    return 0
  })
}

async function show(
  { readTimeline }: DirectParts,
  intent: Intent,
  json: boolean,
  { out }: Output,
): Promise<void> {
  const timeline = await readTimeline(intent.id)
  if (!timeline) return
  const shown = presentTimeline(timeline, { said: true })
  if (json) {
    out(`${JSON.stringify({ account: intent.account, reference: intent.reference, ...shown })}\n`)
    return
  }
  out(`${describeIntent(timeline.intent)}\n`)
  const { events, receipts } = shown.missing
  if (events > 0 || receipts > 0)
    out(`  … ${events} events and ${receipts} receipts before that are not found\n`)
  for (const item of shown.items) out(`  ${item.at}  ${item.kind.padEnd(10)}  ${describeItem(item)}\n`)
}

function describeIntent({ id, kind, account, reference, state, hold, ...more }: Intent): string {
  const amount =
    'amount' in more && more.amount ? ` of ${formatAmount(more.amount)} ${more.amount.currency}` : ''
  return `${kind} ${reference} (${account}, ${id})${amount}: ${state}${hold ? `, held: ${hold.reason}` : ''}`
}

function describeItem(item: ShownItem): string {
  if (item.kind === 'case') {
    const { id, code, state, reason, resolvedBy, resolvedBecause, action } = item.case
    const end =
      state === 'open'
        ? 'open'
        : `resolved by ${resolvedBy ?? 'what came'}: ${action ?? resolvedBecause ?? ''}`
    return `${id}  ${code}: ${reason} (${end})`
  }
  if (item.kind === 'event') {
    const { sequence, name, change, because, hold } = item
    const { source, by, reason, receipt } = because
    const why = [source, by && `by ${by}`, receipt, reason].filter((part) => part !== undefined).join(' ')
    const moved =
      change.from && change.from.state !== change.to.state
        ? ` (${change.from.state} → ${change.to.state})`
        : ''
    return `${sequence} ${name}${moved}${hold === undefined ? '' : `: ${hold}`}, because of ${why}`
  }
  if (item.kind === 'delivery') {
    const { event, subscription, outcome, attempt, status, error } = item
    const why = [status, error].filter((part) => part !== undefined).join(' ')
    return `${event} to ${subscription}, attempt ${attempt}: ${outcome}${why === '' ? '' : ` (${why})`}`
  }
  const { receipt, outcome, asked, said } = item
  const call = asked ? `${asked.call} answered ${asked.status}, ` : ''
  return `${receipt}  ${call}${describeSaid(said)}: ${outcome}`
}

/** The gist; the rest is in the JSON. */
function describeSaid(said: object | undefined): string {
  const { status, amount, failure, erased, notReadable } = Object(said) as {
    status?: string
    amount?: { value: string; currency: string }
    failure?: { code: string }
    erased?: boolean
    notReadable?: string
  }
  if (erased) return 'what it said was erased'
  if (notReadable !== undefined) return notReadable
  const parts = [status ?? 'something', amount && `${amount.value} ${amount.currency}`, failure?.code]
  return `said ${parts.filter((part) => part !== undefined).join(' ')}`
}
