/**
 * The time from a callback to its event on the stream, and what readers of the stream cost the intake. Signed callbacks go
 * to the built program, each about another registered transfer: first as fast as they are answered and worked off, which
 * says what the whole can do, then at half that speed, in turn without readers and with 50 at the head and 5 from the start.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from './deliver-api.ts'
import type { PacedOrder, PacedResult } from './paced-load.ts'
import { ask, cpuUsOf, end, redisCpuUs, start, untilRested } from './processes.ts'
import type { ReadersOrder, ReadersResult } from './receivers/readers.ts'
import { writeRequests } from './requests.ts'
import type { BenchResult } from './run.ts'
import { median } from './sample.ts'
import type { ProgramSite, Running } from './site.ts'
import { createWrites, range, registerOne, writeMany } from './store.ts'

export interface StreamSize {
  warmUp: number
  /** As fast as they go. */
  full: number
  /** At half that speed, each time. */
  half: number
  rounds: number
}

const connections = 64
const readers = { atHead: 50, fromStart: 5 }

interface Phase {
  title: string
  loads: PacedResult[]
  count: number
  cpu: { serve: number; work: number; redis: number }[]
  readers: ReadersResult[]
}

interface Bench {
  site: ProgramSite
  serving: Running
  working: Running
  load: ChildProcess
  reading: ChildProcess
  file: string
  next: number
}

export async function benchStream(site: ProgramSite, size: StreamSize): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-bench-'))
  const [serving, working] = [await site.start('serve'), await site.start('work')]
  const [load, reading] = [start('paced-load.js'), start('receivers/readers.js')]
  const file = join(folder, 'callbacks')
  try {
    const total = size.warmUp + size.full + 2 * size.rounds * size.half
    await writeRequests(file, total, 'hmac', site.keys)
    await registerAll(site, total)
    const bench: Bench = { site, serving, working, load, reading, file, next: 0 }
    const make = (title: string): Phase => ({ title, loads: [], count: 0, cpu: [], readers: [] })
    await measure(bench, make('warming up'), size.warmUp)
    await rest(bench)
    const full = make('as fast as they go')
    await measure(bench, full, size.full)
    const rate = size.full / (full.loads[0]?.seconds ?? 1) / 2
    const alone = make('half of that')
    const beside = make(`half of that, ${readers.atHead} at the head, ${readers.fromStart} from the start`)
    for (let round = 0; round < size.rounds; round++) {
      await rest(bench)
      await measure(bench, alone, size.half, rate)
      await rest(bench)
      await withReaders(bench, beside, () => measure(bench, beside, size.half, rate))
    }
    return [describeLatency([full, alone, beside]), describeReading(alone, beside)]
  } finally {
    for (const child of [load, reading, serving.child, working.child]) await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Their log too, which is what those read that begin at the start. */
async function registerAll({ admin, parts }: ProgramSite, count: number): Promise<void> {
  const writes = Object.values(createWrites(parts))
  const now = Date.now()
  await writeMany(admin, range(0, count), (to, index) => {
    const one = registerOne(index, now, parts)
    for (const write of writes) write(to, one)
  })
}

async function readHead({ site, serving }: Bench): Promise<{ cursor: string; events: number }> {
  const api = createApi(serving.apiUrl, site.token)
  const head = await api.call<{ cursor: string; partitions: { count: number }[] }>('GET', '/v1/events/head')
  await api.close()
  return { cursor: head.cursor, events: head.partitions.reduce((sum, { count }) => sum + count, 0) }
}

async function rest({ serving, working }: Bench): Promise<void> {
  for (const { child } of [serving, working]) await untilRested(child)
}

async function measure(bench: Bench, phase: Phase, count: number, rate?: number): Promise<void> {
  const { site, serving, load, file, next } = bench
  const { cursor } = await readHead(bench)
  const types = 'tallyhook.transfer.succeeded.v1'
  const query = `after=${encodeURIComponent(cursor)}&types=${types}`
  const before = await readCpu(bench)
  const result = await ask<PacedResult>(load, {
    port: Number(new URL(serving.callbackUrl).port),
    file,
    from: next,
    count,
    connections,
    ...(rate !== undefined && { rate }),
    stream: { apiUrl: serving.apiUrl, token: site.token, query },
  } satisfies PacedOrder)
  const after = await readCpu(bench)
  bench.next += count
  phase.loads.push(result)
  phase.count = count
  phase.cpu.push({
    serve: (after.serve - before.serve) / count,
    work: (after.work - before.work) / count,
    redis: (after.redis - before.redis) / count,
  })
}

async function readCpu({ site, serving, working }: Bench) {
  return {
    serve: await cpuUsOf(serving.child),
    work: await cpuUsOf(working.child),
    redis: await redisCpuUs(site.admin),
  }
}

async function withReaders(bench: Bench, phase: Phase, work: () => Promise<void>): Promise<void> {
  const { site, serving, reading } = bench
  const { cursor, events } = await readHead(bench)
  const order: ReadersOrder = { apiUrl: serving.apiUrl, token: site.token, cursor, events, ...readers }
  await ask(reading, order)
  await work()
  const read = await ask<ReadersResult>(reading, 'stop')
  if (read.broken > 0) throw new Error(`${read.broken} readers were cut off.`)
  phase.readers.push(read)
}

const ms = (value: number) => value.toFixed(1)

function describeLatency(phases: Phase[]): BenchResult {
  const mid = ({ loads }: Phase, of: (load: PacedResult) => number) => median(loads.map(of))
  return {
    title: 'deliver: from a callback to its event on the stream',
    rows: phases.map((phase) => ({
      callbacks: phase.title,
      'callbacks/s': Math.round(mid(phase, ({ sentSeconds }) => phase.count / sentSeconds)),
      'events/s': Math.round(mid(phase, ({ seconds }) => phase.count / seconds)),
      'answer p50 ms': ms(mid(phase, ({ acknowledged }) => acknowledged.p50)),
      'answer p99': ms(mid(phase, ({ acknowledged }) => acknowledged.p99)),
      'sent to event p50': ms(mid(phase, ({ fromSent }) => fromSent.p50)),
      'sent to event p99': ms(mid(phase, ({ fromSent }) => fromSent.p99)),
      'answer to event p50': ms(mid(phase, ({ fromAck }) => fromAck.p50)),
      'answer to event p99': ms(mid(phase, ({ fromAck }) => fromAck.p99)),
    })),
    notes: [
      `${phases.map(({ count, loads }) => `${loads.length} x ${count}`).join(', ')} callbacks with HMAC over ${connections} connections, medians of the rounds. The API, a worker, Redis, the load and the readers are processes of one machine.`,
      'The whole speed is that at which events come out, and not that at which callbacks are answered, which is higher. Times are from when a callback was due to be sent.',
    ],
  }
}

function describeReading(alone: Phase, beside: Phase): BenchResult {
  const mid = ({ cpu }: Phase, of: keyof Phase['cpu'][number]) => median(cpu.map((one) => one[of]))
  /** Round by round, so that what else the machine does meets both alike. */
  const ratio = (of: (load: PacedResult) => number) =>
    median(beside.loads.map((load, i) => of(load) / of(alone.loads[i] as PacedResult))).toFixed(2)
  const row = (phase: Phase) => ({
    readers: phase === alone ? 'none' : `${readers.atHead} at the head, ${readers.fromStart} from the start`,
    'serve us': Math.round(mid(phase, 'serve')),
    'work us': Math.round(mid(phase, 'work')),
    'Redis us': Math.round(mid(phase, 'redis')),
    'events/s read at the head': readSpeed(phase, 'atHead'),
    'events/s read again': readSpeed(phase, 'replayed'),
  })
  return {
    title: 'deliver: what readers cost the intake at half speed',
    rows: [row(alone), row(beside)],
    notes: [
      `us: CPU microseconds per callback, with what is spent on readers. With readers beside without: answers a second ${ratio(({ sentSeconds }) => 1 / sentSeconds)}, answer p50 ${ratio(({ acknowledged }) => acknowledged.p50)}, answer p99 ${ratio(({ acknowledged }) => acknowledged.p99)}, sent to event p50 ${ratio(({ fromSent }) => fromSent.p50)}.`,
    ],
  }
}

function readSpeed({ readers: results }: Phase, of: 'atHead' | 'replayed'): number {
  return Math.round(median(results.map((result) => result[of] / result.seconds)))
}
