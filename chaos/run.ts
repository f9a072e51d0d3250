/** `npm run chaos -- intake [--rounds N] [--seed S] [--fresh]`. Exits 1 when anything was lost or otherwise wrong. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runIntakeCampaign } from './intake.ts'
import { describeTotals } from './totals.ts'

const usage = 'Usage: npm run chaos -- intake [--rounds N] [--seed S] [--fresh]\n'
const strikesPerRound = 3

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '500' },
    seed: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
if (positionals.join(' ') !== 'intake' || !Number.isSafeInteger(rounds) || rounds < 1) {
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
cpSync(new URL('../dist', import.meta.url), copy, { recursive: true })

const progress = await runIntakeCampaign({
  folder,
  program: join(copy, 'main.js'),
  rounds,
  strikes: strikesPerRound,
  seed: values.seed,
  fresh: values.fresh,
  say: (line) => process.stdout.write(`${line}\n`),
}).catch((error: Error) => {
  process.stderr.write(`chaos: ${error.message}\n`)
  process.exit(2)
})
for (const line of progress.failures) process.stdout.write(`${line}\n`)
process.stdout.write(`\n${describeTotals(progress.totals)}\n`)
process.exit(progress.failures.length > 0 ? 1 : 0)
