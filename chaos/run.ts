/**
 * `npm run chaos -- intake [--rounds N] [--seed S] [--fresh]` and `npm run chaos -- deliver [--events N] [--kills N] [--seed S]`.
 * Exits 1 when anything was lost or otherwise wrong.
 */
import { randomBytes } from 'node:crypto'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runDeliverCampaign } from './deliver.ts'
import { describeDeliverReport } from './deliver-report.ts'
import { hasDeliverFailed } from './deliver-verdict.ts'
import { runIntakeCampaign } from './intake.ts'
import { describeTotals } from './totals.ts'

const usage =
  'Usage: npm run chaos -- intake [--rounds N] [--seed S] [--fresh]\n' +
  '       npm run chaos -- deliver [--events N] [--kills N] [--seed S]\n'
const strikesPerRound = 3
const workers = 2
/** Longer than an endpoint that was away is left alone, and than an event that failed twice waits. */
const stuckMs = 120_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '500' },
    events: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  },
})
const [rounds, events, kills] = [values.rounds, values.events, values.kills].map(Number) as [
  number,
  number,
  number,
]
const campaigns: Record<string, () => Promise<boolean>> = { intake, deliver }
const campaign = campaigns[positionals.join(' ')]
if (!campaign || ![rounds, events, kills].every((count) => Number.isSafeInteger(count) && count > 0)) {
  process.stderr.write(usage)
  process.exit(2)
}

// By process.exit, so that what was started is ended as well.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code))

const folder = fileURLToPath(new URL('results/', import.meta.url))
// A copy, since a campaign is long and others build meanwhile. It finds its packages from there as well.
const copy = join(folder, 'program')
rmSync(copy, { recursive: true, force: true })
cpSync(new URL('../dist', import.meta.url), join(copy, 'dist'), { recursive: true })
cpSync(new URL('../package.json', import.meta.url), join(copy, 'package.json'))
const program = join(copy, 'dist', 'main.js')
const say = (line: string) => void process.stdout.write(`${line}\n`)

const clean = await campaign().catch((error: Error) => {
  process.stderr.write(`chaos: ${error.message}\n`)
  process.exit(2)
})
process.exit(clean ? 0 : 1)

async function intake(): Promise<boolean> {
  const { seed, fresh } = values
  const options = { folder, program, rounds, strikes: strikesPerRound, seed, fresh, say }
  const progress = await runIntakeCampaign(options)
  for (const line of progress.failures) say(line)
  say(`\n${describeTotals(progress.totals)}`)
  return progress.failures.length === 0
}

async function deliver(): Promise<boolean> {
  const seed = values.seed ?? randomBytes(6).toString('hex')
  say(`seed ${seed}`)
  const place = join(folder, 'deliver')
  const report = await runDeliverCampaign({
    folder: place,
    program,
    events,
    kills,
    workers,
    seed,
    stuckMs,
    say,
  })
  say(`\n${describeDeliverReport(report)}`)
  return !hasDeliverFailed(report)
}
