/**
 * The intake, beside what a competent team would write, in one run: the same callbacks, signed as Zenospay signs them, the
 * same Redis (append-only, fsync before each answer), 64 keep-alive connections. Each receiver is a process of its own;
 * its CPU and Redis's are read before and after.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { Redis } from 'ioredis'
import { startEmbeddedRedis } from '../src/embedded/embedded-redis.ts'
import { describeDisbursement, type SignedCallback, signCallback } from '../src/sandbox/signed-callback.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import { makeBenchAccount } from './account.ts'
import type { BenchResult } from './run.ts'

export const receivers = {
  'limit: node:http reads and answers': 'limit',
  'limit: the same and verifies': 'limit-verify',
  'peer: Express, raw body, queue.add': 'express-peer',
  'peer: Fastify, the same': 'fastify-peer',
  'ours: mounted in Express': 'ours-express',
  'ours: own server': 'ours-server',
} as const
export type ReceiverKind = (typeof receivers)[keyof typeof receivers]

const connections = 64
const warmUpS = 2
const measuredS = 6
/** Signed ahead, so that signing is not measured; they are sent round and round. */
const signedCallbacks = 2_000

interface Measured {
  perSecond: number
  p50: number
  p99: number
  receiverUs: number
  redisUs: number
}

export async function benchIntake(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-bench-'))
  const redis = await startEmbeddedRedis({ dataDir: folder, logger: silentLogger, env: process.env })
  const admin = new Redis({ path: redis.socketPath })
  try {
    const account = makeBenchAccount()
    const callbacks = signMany(account)
    const measured: [string, Measured][] = []
    for (const [title, kind] of Object.entries(receivers)) {
      await admin.flushall()
      measured.push([title, await measure(kind, redis.socketPath, account.publicPem, callbacks, admin)])
    }
    return describe(measured)
  } finally {
    admin.disconnect()
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function signMany({ privateKey, partnerId, path }: ReturnType<typeof makeBenchAccount>): SignedCallback[] {
  const now = Date.now()
  return Array.from({ length: signedCallbacks }, (_, index) => {
    const body = describeDisbursement({
      inquiryId: `inquiry-${index}`,
      reference: `RLG${String(index).padStart(8, '0')}`,
      amount: '25000.00',
      bankCode: '002',
      bankName: 'Bank Rakyat Indonesia',
      accountName: 'John Doe',
      accountNumber: '0000000000',
      status: 'success',
      createdAt: now,
      updatedAt: now,
    })
    return signCallback(body, { privateKey, partnerId, path, now })
  })
}

async function measure(
  kind: ReceiverKind,
  socketPath: string,
  publicPem: string,
  callbacks: SignedCallback[],
  admin: Redis,
): Promise<Measured> {
  const child = fork(
    fileURLToPath(new URL('receivers/receiver.ts', import.meta.url)),
    [kind, socketPath, publicPem],
    { execArgv: ['--import', 'tsx'] },
  )
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    await load(port, callbacks, warmUpS)
    const before = { cpu: await cpuOf(child), redis: await redisCpuUs(admin) }
    const result = await load(port, callbacks, measuredS)
    const after = { cpu: await cpuOf(child), redis: await redisCpuUs(admin) }
    if (result.non2xx > 0 || result.errors > 0)
      throw new Error(`${kind}: ${result.non2xx} refused, ${result.errors} errors`)
    const count = result.requests.total
    return {
      perSecond: Math.round(count / result.duration),
      p50: result.latency.p50,
      p99: result.latency.p99,
      receiverUs: Math.round((after.cpu - before.cpu) / count),
      redisUs: Math.round((after.redis - before.redis) / count),
    }
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

function load(port: number, callbacks: SignedCallback[], duration: number): Promise<autocannon.Result> {
  return autocannon({
    url: `http://127.0.0.1:${port}`,
    connections,
    duration,
    requests: callbacks.map(({ headers, body }) => ({
      method: 'POST',
      path: '/callbacks/zeno-bench',
      headers,
      body,
    })),
  })
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ cpuUs }] = (await once(child, 'message')) as [{ cpuUs: number }]
  return cpuUs
}

async function redisCpuUs(admin: Redis): Promise<number> {
  const info = await admin.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}

function describe(measured: [string, Measured][]): BenchResult {
  const peer = measured.find(([title]) => title.startsWith('peer: Express'))?.[1]
  const limit = measured.find(([title]) => title.includes('verifies'))?.[1]
  const ratio = (value: number, base: number | undefined) => (base ? (value / base).toFixed(2) : '')
  return {
    title: 'intake: Zenospay RSA-2048, 64 connections, fsync before each answer',
    rows: measured.map(([receiver, { perSecond, p50, p99, receiverUs, redisUs }]) => ({
      receiver,
      'callbacks/s': perSecond,
      'x Express': ratio(perSecond, peer?.perSecond),
      'of the limit': ratio(perSecond, limit?.perSecond),
      'p50 ms': p50,
      'p99 ms': p99,
      'receiver us': receiverUs,
      'Redis us': redisUs,
    })),
    notes: [
      `${measuredS} s each after ${warmUpS} s of warming up; ${signedCallbacks} signed callbacks sent round and round; the load comes from the same machine.`,
      'us: CPU microseconds per callback. The limits write nothing.',
    ],
  }
}
