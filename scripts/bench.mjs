// Compiles the benchmarks with what they measure, as the program itself is compiled, and runs them: what a loader adds at
// run time would be measured as well.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync('bench/dist', { recursive: true, force: true })
run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'])
cpSync('src/store/scripts', 'bench/dist/src/store/scripts', { recursive: true })
run(['bench/dist/bench/run.js', ...process.argv.slice(2)])

function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
