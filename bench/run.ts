/**
 * `npm run bench [-- name … --quick]`: each benchmark by itself, a table on standard output and its figures in
 * bench/results. Quick: smaller, to see that it runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { benchCrypto } from './crypto.ts'
import { benchDeliver } from './deliver.ts'
import { benchIntake } from './intake.ts'
import { benchReconcile } from './reconcile.ts'

export interface BenchResult {
  title: string
  rows: Record<string, string | number>[]
  notes: string[]
}

const benchmarks: Record<string, (size: { quick: boolean }) => Promise<BenchResult[]>> = {
  intake: benchIntake,
  reconcile: benchReconcile,
  deliver: benchDeliver,
  crypto: benchCrypto,
}
const folder = new URL('../../results/', import.meta.url)

const quick = process.argv.includes('--quick')
const asked = process.argv.slice(2).filter((argument) => argument !== '--quick')
const unknown = asked.filter((name) => !benchmarks[name])
if (unknown.length > 0) {
  process.stderr.write(
    `There is no benchmark ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}.\n`,
  )
  process.exit(2)
}

mkdirSync(folder, { recursive: true })
const [cpu] = cpus()
const machine = `${cpus().length} cores of ${cpu?.model.trim() || 'an unnamed kind'}, Node.js ${process.version}`
for (const name of asked.length > 0 ? asked : Object.keys(benchmarks)) {
  const results = await (benchmarks[name] as (typeof benchmarks)[string])({ quick })
  for (const { title, rows, notes } of results) {
    const lines = notes.map((note) => `\n${note}`).join('')
    process.stdout.write(`\n${title}\n${machine}\n\n${asTable(rows)}\n${lines}\n`)
  }
  const file = new URL(`${name}.json`, folder)
  writeFileSync(file, JSON.stringify({ machine, at: new Date().toISOString(), results }, null, 2))
  process.stdout.write(`\n${fileURLToPath(file)}\n`)
}

function asTable(rows: Record<string, string | number>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  const rule = `|${columns.map((_, index) => (index === 0 ? '---' : '---:')).join('|')}|`
  return [line(columns), rule, ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join(
    '\n',
  )
}
