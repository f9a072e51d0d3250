import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findUnpacked } from '../../src/embedded/debian-package.ts'
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/embedded/embedded-redis.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { documentedFetch, documentFaults } from './documented.ts'

/** An answer of the API that is not as documented fails the run, also where its test looked at something else. */
export const mochaHooks = {
  beforeAll() {
    globalThis.fetch = documentedFetch(globalThis.fetch)
  },
  afterAll() {
    assert.deepEqual(documentFaults, [])
  },
}

let redis: EmbeddedRedis | undefined
let folder: string | undefined

export async function mochaGlobalSetup(): Promise<void> {
  if (process.env.REDIS_URL) return
  folder = mkdtempSync(join(tmpdir(), 'tallyhook-test-'))
  redis = await startEmbeddedRedis({ dataDir: folder, logger: silentLogger, env: process.env })
  process.env.TALLYHOOK_TEST_SOCKET = redis.socketPath
  putOnPath(folder)
}

export async function mochaGlobalTeardown(): Promise<void> {
  await redis?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
}

/** A server that had to be fetched is fetched once: the tests that start one of their own find it on PATH. */
function putOnPath(dataDir: string): void {
  const fetched = findUnpacked(join(dataDir, 'redis-package'))
  if (!fetched) return
  const bin = join(dataDir, 'bin')
  const wrapper = join(bin, 'redis-server')
  mkdirSync(bin)
  const variables = Object.entries(fetched.env).map(([name, value]) => `${name}='${value}'`)
  writeFileSync(wrapper, `#!/bin/sh\n${variables.join(' ')} exec '${fetched.path}' "$@"\n`)
  chmodSync(wrapper, 0o755)
  process.env.PATH = `${bin}${delimiter}${process.env.PATH}`
}
