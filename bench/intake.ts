/**
 * The intake, beside what a competent team would write, in one run: the same callbacks, each sent once and rightly
 * signed, the same Redis (append-only, fsync before each answer), 64 keep-alive connections. Receivers, load and Redis
 * are processes of their own; the receiver's CPU and Redis's are read before and after.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startEmbeddedRedis } from '../src/embedded/embedded-redis.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import { ask, cpuUsOf, end, redisCpuUs, start } from './processes.ts'
import { writeRequests } from './requests.ts'
import type { BenchResult } from './run.ts'
import { type Keys, type SchemeName, schemeNames, schemes } from './schemes.ts'

export const receivers = {
  'limit: node:http reads and answers': 'limit',
  'limit: the same and verifies': 'limit-verify',
  'peer: Express, raw body, queue.add': 'express-peer',
  'peer: Fastify, the same': 'fastify-peer',
  'ours: mounted in Express': 'ours-express',
  'ours: own server': 'ours-server',
  'ours: own server, a log line each': 'ours-logging',
} as const
export type ReceiverKind = (typeof receivers)[keyof typeof receivers]

export interface ReceiverOrder {
  kind: ReceiverKind
  scheme: SchemeName
  keys: Keys
  socketPath: string
}

const connections = 64
/** Enough for the compiler of each receiver to settle; a receiver runs for weeks. */
const warmUpCount = 12_000
const measuredCount = 24_000

interface Measured {
  perSecond: number
  p50: number
  p99: number
  receiverUs: number
  redisUs: number
}

export async function benchIntake(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-bench-'))
  const redis = await startEmbeddedRedis({ dataDir: folder, logger: silentLogger, env: process.env })
  const admin = new Redis({ path: redis.socketPath })
  const load = start('load.js')
  try {
    const results: BenchResult[] = []
    for (const scheme of schemeNames) {
      const keys = schemes[scheme].makeKeys()
      const file = join(folder, `${scheme}.requests`)
      await writeRequests(file, warmUpCount + measuredCount, scheme, keys)
      const measured: [string, Measured][] = []
      for (const [title, kind] of Object.entries(receivers)) {
        await admin.flushall()
        const order: ReceiverOrder = { kind, scheme, keys, socketPath: redis.socketPath }
        measured.push([title, await measure(order, file, load, admin)])
      }
      results.push(describe(scheme, measured))
    }
    return results
  } finally {
    load.kill()
    admin.disconnect()
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(
  order: ReceiverOrder,
  file: string,
  load: ChildProcess,
  admin: Redis,
): Promise<Measured> {
  const child = start('receivers/receiver.js')
  try {
    const { port } = await ask<{ port: number }>(child, order)
    const base = { port, file, connections }
    await ask(load, { ...base, from: 0, count: warmUpCount } satisfies LoadOrder)
    const before = { cpu: await cpuUsOf(child), redis: await redisCpuUs(admin) }
    const wanted = { ...base, from: warmUpCount, count: measuredCount } satisfies LoadOrder
    const result = await ask<LoadResult>(load, wanted)
    const after = { cpu: await cpuUsOf(child), redis: await redisCpuUs(admin) }
    if (Object.keys(result.refused).length > 0)
      throw new Error(`${order.kind}: refused ${JSON.stringify(result.refused)}`)
    return {
      perSecond: Math.round(measuredCount / result.seconds),
      p50: result.p50,
      p99: result.p99,
      receiverUs: (after.cpu - before.cpu) / measuredCount,
      redisUs: (after.redis - before.redis) / measuredCount,
    }
  } finally {
    await end(child)
  }
}

function describe(scheme: SchemeName, measured: [string, Measured][]): BenchResult {
  const peer = measured.find(([title]) => title.startsWith('peer: Express'))?.[1]
  const limit = measured.find(([title]) => title.includes('verifies'))?.[1]
  const ratio = (value: number, base: number | undefined) => (base ? (value / base).toFixed(2) : '')
  const total = (entry: Measured | undefined) => entry && entry.receiverUs + entry.redisUs
  return {
    title: `intake: ${schemes[scheme].title}, ${connections} connections, fsync before each answer`,
    rows: measured.map(([receiver, entry]) => ({
      receiver,
      'callbacks/s': entry.perSecond,
      'x Express': ratio(entry.perSecond, peer?.perSecond),
      'of the limit': ratio(entry.perSecond, limit?.perSecond),
      'p50 ms': entry.p50.toFixed(1),
      'p99 ms': entry.p99.toFixed(1),
      'receiver us': Math.round(entry.receiverUs),
      'Redis us': Math.round(entry.redisUs),
      'receiver CPU': ratio(entry.receiverUs, peer?.receiverUs),
      'total CPU': ratio(total(entry) ?? 0, total(peer)),
    })),
    notes: [
      `${measuredCount} callbacks each after ${warmUpCount} of warming up, every one sent once; the load comes from the same machine.`,
      'us: CPU microseconds per callback; receiver CPU and total CPU (with Redis): beside the Express peer. The limits write nothing.',
    ],
  }
}
