/**
 * The campaign against the intake: rounds of kills, counted together. It goes on where it ended, and a round that was cut
 * short is run again from its beginning.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findServer } from '../src/embedded/find-server.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import { describeStrike, planRound, type RoundPlan } from './plan.ts'
import { type Progress, readProgress, writeProgress } from './progress.ts'
import { createChaosProvider } from './provider.ts'
import { hasFailed, type RoundReport, runRound } from './round.ts'
import { createStock } from './stock.ts'
import { addRound, noTotals, type Totals } from './totals.ts'

export interface CampaignOptions {
  /** For the progress, and for what failed rounds leave. */
  folder: string
  /** The built `main.js`. */
  program: string
  rounds: number
  /** Strikes of a round, beside the kill that ends it. */
  strikes: number
  /** One that goes on keeps its own. */
  seed?: string | undefined
  fresh: boolean
  say(line: string): void
}

const progressName = 'intake.json'
const roundPrefix = 'round-'

/** Signed ahead: enough for the busiest second, and young enough for the provider's time window. */
const stockMax = 1_500
const signersMax = 4

export async function runIntakeCampaign(options: CampaignOptions): Promise<Progress> {
  const { folder, program, rounds, strikes, say } = options
  if (!existsSync(program)) throw new Error(`There is no ${program}; run \`npm run build\`.`)
  const file = join(folder, progressName)
  if (options.fresh) removeAll(folder)
  let progress = begin(readProgress(file), options.seed)
  say(`seed ${progress.seed}, ${progress.totals.rounds} of ${rounds} rounds done`)

  const server = await findServer({
    packageFolder: join(folder, 'redis-package'),
    env: process.env,
    logger: silentLogger,
  })
  const provider = createChaosProvider()
  const stock = createStock(provider.makeCallback, stockMax, signersMax)
  try {
    while (progress.totals.rounds < rounds) {
      const round = progress.totals.rounds + 1
      const plan = planRound(progress.seed, round, strikes)
      const place = join(folder, `${roundPrefix}${round}`)
      const outcome = await attempt(() => runRound(plan, { folder: place, server, program, provider, stock }))
      const failures = describeFailures(plan, outcome, place)
      for (const line of failures) say(line)
      progress = {
        ...progress,
        totals: count(progress.totals, outcome),
        failures: [...progress.failures, ...failures],
      }
      writeProgress(file, progress)
      say(describeRound(round, plan, outcome))
    }
    return progress
  } finally {
    await stock.close()
  }
}

function begin(saved: Progress | undefined, seed: string | undefined): Progress {
  if (saved === undefined)
    return { v: 1, seed: seed ?? randomBytes(6).toString('hex'), totals: noTotals, failures: [] }
  if (seed === undefined || seed === saved.seed) return saved
  throw new Error(`The campaign that goes on here has seed ${saved.seed}; begin another with --fresh.`)
}

/** What failed rounds have left too; a server that was fetched stays. */
function removeAll(folder: string): void {
  if (!existsSync(folder)) return
  const names = readdirSync(folder).filter((name) => name === progressName || name.startsWith(roundPrefix))
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true })
}

/** Of one round: where one callback was lost, hundreds may have been. */
const shownMax = 20

type Outcome = RoundReport | Error

async function attempt(run: () => Promise<RoundReport>): Promise<Outcome> {
  try {
    return await run()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A round that could not be brought to its end has shown nothing, and is a fault. */
function count(totals: Totals, outcome: Outcome): Totals {
  if (!(outcome instanceof Error)) return addRound(totals, outcome)
  return { ...totals, rounds: totals.rounds + 1, faults: totals.faults + 1 }
}

function describeFailures(plan: RoundPlan, outcome: Outcome, place: string): string[] {
  const begin = `FAILED seed ${plan.seed}:`
  if (outcome instanceof Error) return [`${begin} ${outcome.message} (files in ${place})`]
  if (!hasFailed(outcome)) return []
  const lost = outcome.lost.map(
    ({ digest, ms, strikes }) => `lost ${digest}, acknowledged at ${ms} ms after strike ${strikes}`,
  )
  const all = [...lost, ...outcome.faults].map((what) => `${begin} ${what} (files in ${place})`)
  const more = all.length - shownMax
  return more > 0 ? [...all.slice(0, shownMax), `${begin} and ${more} more`] : all
}

function describeRound(round: number, plan: RoundPlan, outcome: Outcome): string {
  const strikes = [...plan.strikes, plan.last].map(describeStrike).join('; ')
  if (outcome instanceof Error) return `round ${round}: not finished (${strikes})`
  const { acknowledged, queued, repeats, lost } = outcome
  return `round ${round}: ${acknowledged} acknowledged, ${queued} in the queue, ${repeats} repeats, ${lost.length} lost (${strikes})`
}
