// Everything that `npm test` promises, from quick to slow: lint and format, types, the build, then the tests. The last line
// counts what mocha counted, and each step before it that failed as one failure.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'tallyhook-run-'))
const counts = join(folder, 'counts.json')

const steps = [
  ['lint and format', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings']],
  ['types', ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['build', ['scripts/build.mjs']],
]

let failedSteps = 0
for (const [name, args] of steps) {
  console.log(`== ${name}`)
  if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) failedSteps++
}

console.log('== tests')
const mocha = [
  'node_modules/mocha/bin/mocha.js',
  '--reporter',
  'test/support/reporter.cjs',
  ...process.argv.slice(2),
]
const run = spawnSync(process.execPath, mocha, {
  stdio: 'inherit',
  env: { ...process.env, TEST_COUNTS: counts },
})
const { passed, failed, skipped } = readCounts()
rmSync(folder, { recursive: true, force: true })
console.log(`${passed} passed, ${failed + failedSteps} failed, ${skipped} skipped`)
process.exitCode = run.status === 0 && failed + failedSteps === 0 && passed > 0 ? 0 : 1

/** A run that ended without counting (a test file that does not load) has failed, whatever it ran before. */
function readCounts() {
  try {
    return JSON.parse(readFileSync(counts, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}
