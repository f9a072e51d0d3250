/**
 * The reconcile worker, beside a BullMQ worker that does nothing and the handler that a competent team would write, in one
 * run on one Redis (append-only, fsync before each answer). Queues are filled while they are paused, and drained; each
 * callback is about another registered transfer and is applied. Every contestant drains one queue in turn, several times
 * over, and the medians count, so that what else the machine does meets all alike. Then the same with a million
 * transfers pending beside a thousand, each on a Redis of its own, in turn; and what a transfer takes of memory.
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { startEmbeddedRedis } from '../src/embedded/embedded-redis.ts'
import { callbackQueueName, sealedGroupJob, singleJob } from '../src/queue/catalogue.ts'
import { groupSizeMax } from '../src/queue/job-data.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import { sealReceipt } from '../src/workers/observe.ts'
import { measureMemory } from './memory.ts'
import { ask, cpuUsOf, end, redisCpuUs, start } from './processes.ts'
import type { BenchResult } from './run.ts'
import { median, spread } from './sample.ts'
import { type Keys, schemes } from './schemes.ts'
import {
  createParts,
  createWrites,
  describeCallback,
  describePeerDocument,
  ids,
  makeSecrets,
  type Parts,
  peerKeyOf,
  range,
  receiveCallback,
  referenceOf,
  registerOne,
  type StoreSecrets,
  writeMany,
} from './store.ts'

export interface WorkerOrder {
  kind: 'limit' | 'peer' | 'ours'
  socketPath: string
  prefix: string
  concurrency: number
  secrets: StoreSecrets
  keys: Keys
}

interface Size {
  /** Drained by each contestant in each round. */
  callbacks: number
  rounds: number
  few: number
  many: number
}

const sizes = {
  whole: { callbacks: 12_800, rounds: 3, few: 1_000, many: 1_000_000 },
  quick: { callbacks: 1_280, rounds: 3, few: 1_000, many: 20_000 },
}

/** How what has arrived lies in the queue. */
type Filling = 'plain' | 'apply-callback' | 'group of one' | 'groups'

interface Contestant {
  title: string
  kind: WorkerOrder['kind']
  concurrency: number
  filling: Filling
}

/** As `npm start` runs it; the others have it too. */
const heap = ['--max-semi-space-size=64']

/** As compose.ts runs it. */
const oursConcurrency = 64

const contestants: Contestant[] = [
  { title: 'limit: an empty worker, 100 at once', kind: 'limit', concurrency: 100, filling: 'plain' },
  { title: 'limit: an empty worker, 16 at once', kind: 'limit', concurrency: 16, filling: 'plain' },
  { title: 'peer: WATCH, JSON, MULTI, 100 at once', kind: 'peer', concurrency: 100, filling: 'plain' },
  { title: 'peer: WATCH, JSON, MULTI, 16 at once', kind: 'peer', concurrency: 16, filling: 'plain' },
  { title: 'ours: a job each', kind: 'ours', concurrency: oursConcurrency, filling: 'apply-callback' },
  { title: 'ours: groups of one', kind: 'ours', concurrency: oursConcurrency, filling: 'group of one' },
  { title: 'ours: groups of 64, 4 at once', kind: 'ours', concurrency: 4, filling: 'groups' },
  { title: 'ours: groups of 64', kind: 'ours', concurrency: oursConcurrency, filling: 'groups' },
]

interface Measured {
  perSecond: number
  workerUs: number
  redisUs: number
}

export async function benchReconcile({ quick }: { quick: boolean }): Promise<BenchResult[]> {
  const size = quick ? sizes.quick : sizes.whole
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-bench-'))
  const secrets = makeSecrets()
  const keys = schemes.zenospay.makeKeys()
  const [few, many] = await Promise.all([openSite(folder, 'few'), openSite(folder, 'many')])
  try {
    const parts = createParts(secrets)
    await registerMany(few.admin, parts, range(0, size.few))
    const speed = await measureSpeed(few, size, { secrets, keys, parts })
    const memory = await measureMemory(
      many.admin,
      { parts, provider: schemes.zenospay.createProvider(keys) },
      size.many,
    )
    const scale = await measureScale(few, many, size, { secrets, keys, parts })
    return [speed, scale, memory]
  } finally {
    await Promise.all([few.close(), many.close()])
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Common {
  secrets: StoreSecrets
  keys: Keys
  parts: Parts
}

interface Site {
  socketPath: string
  admin: Redis
  close(): Promise<void>
}

async function openSite(folder: string, name: string): Promise<Site> {
  const redis = await startEmbeddedRedis({
    dataDir: join(folder, name),
    logger: silentLogger,
    env: process.env,
  })
  const admin = new Redis({ path: redis.socketPath, maxRetriesPerRequest: null })
  // A rewrite of the log in the middle of a round would be measured as somebody's.
  await admin.config('SET', 'auto-aof-rewrite-percentage', '0', 'maxmemory', '0')
  return {
    socketPath: redis.socketPath,
    admin,
    async close() {
      admin.disconnect()
      await redis.stop()
    },
  }
}

async function registerMany(redis: Redis, parts: Parts, indexes: Iterable<number>): Promise<void> {
  const writes = Object.values(createWrites(parts))
  const now = Date.now()
  await writeMany(redis, indexes, (to, index) => {
    const one = registerOne(index, now, parts)
    for (const write of writes) write(to, one)
  })
}

interface Runner extends Contestant {
  site: Site
  child: ChildProcess
  prefix: string
  queue: Queue
  measured: Measured[]
}

async function startRunner(contestant: Contestant, site: Site, { secrets, keys }: Common): Promise<Runner> {
  const { kind, concurrency } = contestant
  const prefix = `{${randomUUID()}}`
  const child = start('workers/worker.js', heap)
  const { socketPath } = site
  await ask(child, { kind, socketPath, prefix, concurrency, secrets, keys } satisfies WorkerOrder)
  const queue = new Queue(callbackQueueName, { connection: site.admin, prefix })
  await queue.pause()
  return { ...contestant, site, child, prefix, queue, measured: [] }
}

/** A first round of each is not counted: compilers settle. */
async function measureSpeed(site: Site, size: Size, common: Common): Promise<BenchResult> {
  const runners: Runner[] = []
  try {
    for (const contestant of contestants) runners.push(await startRunner(contestant, site, common))
    let next = size.few
    for (let round = 0; round <= size.rounds; round++) {
      for (const runner of runners) {
        const indexes = [...range(next, size.callbacks)]
        next += size.callbacks
        await prepare(runner, indexes, common.parts)
        const measured = await drain(runner, indexes, common.parts)
        if (round > 0) runner.measured.push(measured)
      }
    }
    return describeSpeed(runners, size)
  } finally {
    for (const { child } of runners) await end(child)
  }
}

/** What the callbacks will be about. */
async function prepare({ kind, site }: Runner, indexes: number[], parts: Parts): Promise<void> {
  if (kind === 'ours') await registerMany(site.admin, parts, indexes)
  if (kind !== 'peer') return
  const now = Date.now()
  await writeMany(site.admin, indexes, (to, index) =>
    to.set(peerKeyOf(referenceOf(index)), describePeerDocument(index, now)),
  )
}

async function measureScale(few: Site, many: Site, size: Size, common: Common): Promise<BenchResult> {
  const groups = contestants.at(-1) as Contestant
  const runners: Runner[] = []
  try {
    const pending = (count: number) => ({ ...groups, title: `${count.toLocaleString('en')} pending` })
    const beside = await startRunner(pending(size.few), few, common)
    runners.push(beside)
    const among = await startRunner(pending(size.many), many, common)
    runners.push(among)
    for (let round = 0; round <= size.rounds; round++) {
      // Beyond what was used before.
      const fresh = [...range(100_000_000 + round * size.callbacks, size.callbacks)]
      const spread = fresh.map((_, i) => spreadOver(round * size.callbacks + i, size.many))
      await registerMany(few.admin, common.parts, fresh)
      // Those of the million have their records only; what else there is of a transfer comes now, as with the others.
      await registerMany(many.admin, common.parts, spread)
      const pairs: [Runner, number[]][] = [
        [beside, fresh],
        [among, spread],
      ]
      for (const [runner, indexes] of round % 2 === 0 ? pairs : pairs.reverse()) {
        const measured = await drain(runner, indexes, common.parts)
        if (round > 0) runner.measured.push(measured)
      }
    }
    return describeScale(runners, size)
  } finally {
    for (const { child } of runners) await end(child)
  }
}

/** Each once, far from the one before. */
function spreadOver(n: number, count: number): number {
  return (n * 7_919) % count
}

async function drain(runner: Runner, indexes: number[], parts: Parts): Promise<Measured> {
  const { queue, child, site } = runner
  await fill(queue, runner.filling, indexes, parts)
  const eventsBefore = await countEvents(site.admin, parts)
  const count = indexes.length
  const before = { cpu: await cpuUsOf(child), redis: await redisCpuUs(site.admin), at: performance.now() }
  const done = ask(child, { await: count })
  await queue.resume()
  await done
  while ((await site.admin.llen(`${runner.prefix}:${callbackQueueName}:active`)) > 0);
  const seconds = (performance.now() - before.at) / 1000
  const after = { cpu: await cpuUsOf(child), redis: await redisCpuUs(site.admin) }
  await queue.pause()
  const published = (await countEvents(site.admin, parts)) - eventsBefore
  if (published !== (runner.kind === 'limit' ? 0 : count))
    throw new Error(`${runner.title}: ${published} events of ${count} callbacks.`)
  return {
    perSecond: count / seconds,
    workerUs: (after.cpu - before.cpu) / count,
    redisUs: (after.redis - before.redis) / count,
  }
}

async function fill(queue: Queue, filling: Filling, indexes: number[], parts: Parts): Promise<void> {
  const now = Date.now()
  const { keyring } = parts
  const jobs = draft()
  const atOnce = 500
  for (let from = 0; from < jobs.length; from += atOnce) await queue.addBulk(jobs.slice(from, from + atOnce))

  function draft() {
    switch (filling) {
      case 'plain':
        return indexes.map((index) => ({
          name: 'callback',
          data: { headers: {}, body: describeCallback(index, now), at: now },
          opts: { removeOnComplete: true, attempts: 5 },
        }))
      case 'apply-callback':
        return indexes.map((index) => singleJob(sealReceipt(receiveCallback(index, now), keyring)))
      case 'group of one':
        return indexes.map((index) =>
          sealedGroupJob(ids.jobId(), [receiveCallback(index, now)], keyring.seal),
        )
      case 'groups': {
        const receipts = indexes.map((index) => receiveCallback(index, now))
        return Array.from({ length: Math.ceil(receipts.length / groupSizeMax) }, (_, i) =>
          sealedGroupJob(ids.jobId(), receipts.slice(i * groupSizeMax, (i + 1) * groupSizeMax), keyring.seal),
        )
      }
    }
  }
}

/** So that nothing is measured that was not done. */
async function countEvents(admin: Redis, { keys }: Parts): Promise<number> {
  const streams = Array.from({ length: keys.partitions }, (_, partition) => keys.events(partition))
  const lengths = await Promise.all([...streams, 'payout-events'].map((key) => admin.xlen(key)))
  return lengths.reduce((sum, length) => sum + length, 0)
}

/** Of each round by itself, since a slow moment of the machine is one for all of the round. */
function ratio(runner: Runner, base: Runner | undefined): string {
  return median(
    runner.measured.map(({ perSecond }, i) => perSecond / (base?.measured[i]?.perSecond ?? 1)),
  ).toFixed(2)
}

const fastest = (runners: Runner[], kind: WorkerOrder['kind']) =>
  runners
    .filter((runner) => runner.kind === kind)
    .toSorted((a, b) => speedOf(b) - speedOf(a))
    .at(0)

const speedOf = ({ measured }: Runner) => median(measured.map(({ perSecond }) => perSecond))

function describeRow(runner: Runner) {
  const { measured } = runner
  return {
    'callbacks/s': Math.round(speedOf(runner)),
    rounds: spread(measured.map(({ perSecond }) => perSecond)),
    'worker us': Math.round(median(measured.map(({ workerUs }) => workerUs))),
    'Redis us': Math.round(median(measured.map(({ redisUs }) => redisUs))),
  }
}

function describeSpeed(runners: Runner[], size: Size): BenchResult {
  const limit = fastest(runners, 'limit')
  const peer = fastest(runners, 'peer')
  return {
    title: `reconcile: callbacks drained from a full queue, ${size.few} more transfers pending, fsync before each answer`,
    rows: runners.map((runner) => ({
      worker: runner.title,
      ...describeRow(runner),
      'x limit': ratio(runner, limit),
      'x peer': ratio(runner, peer),
    })),
    notes: [
      `${size.callbacks} callbacks a round, ${size.rounds} rounds of each in turn after one of warming up; medians, and the slowest to the fastest round.`,
      'us: CPU microseconds per callback. x limit, x peer: beside the faster of the two, round by round.',
    ],
  }
}

function describeScale(runners: Runner[], size: Size): BenchResult {
  const [few] = runners
  return {
    title: 'reconcile: with many transfers pending, groups of 64',
    rows: runners.map((runner) => ({
      transfers: runner.title,
      ...describeRow(runner),
      'of the first': ratio(runner, few),
    })),
    notes: [
      `${size.callbacks} callbacks a round, ${size.rounds} rounds of each in turn, spread over all that are pending; each on a Redis of its own.`,
    ],
  }
}
