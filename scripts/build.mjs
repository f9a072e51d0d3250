// Compiles src to dist and puts beside it what the compiler leaves out. `dist` is replaced whole, so nothing stale stays.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync('dist', { recursive: true, force: true })
const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
const compiled = spawnSync(process.execPath, compiler, { stdio: 'inherit' })
if (compiled.status !== 0) process.exit(1)
cpSync('src/store/scripts', 'dist/store/scripts', { recursive: true })
cpSync('src/http/ops/console/assets', 'dist/http/ops/console/assets', { recursive: true })
chmodSync('dist/main.js', 0o755)
