/** Many histories at once on one connection, so that their round trips overlap. */
import { Redis } from 'ioredis'
import { startRedisServer } from '../support/redis-server.ts'
import { createPlan } from './plan.ts'
import { createSendingPlan } from './sending/plan.ts'
import { playSending } from './sending/world.ts'
import { shrink } from './shrink.ts'
import { playWorld, type WorldReport } from './world.ts'

/** Of each seed there are two histories: of what others tell us, and of what we send. */
export const worlds = ['callbacks', 'sending'] as const
export type World = (typeof worlds)[number]

export interface Failed {
  seed: number
  world: World
  error: unknown
}

export interface CrowdReport extends WorldReport {
  seeds: number
  failed: Failed[]
}

const atOnce = 48
/** After so many what they left is thrown away. */
const perWave = 480

/** A server that need not be durable: nothing here outlives its history. */
export function startFleetingRedis() {
  return startRedisServer({ appendonly: 'no', appendfsync: 'no', maxmemory: '1gb' })
}

/** What many histories say in one turn goes out as one write: a system call for each would be most of what they cost. */
export async function openShared(url: string): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true })
  await redis.connect()
  const { stream } = redis
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    if (stream.writableCorked === 0) {
      stream.cork()
      setImmediate(() => stream.uncork())
    }
    return write(...args)
  }
  return redis
}

export interface PlayOptions {
  first: number
  count: number
  stopAfter?: number
  only?: readonly World[]
}

export async function playSeeds(
  redis: Redis,
  { first, count, stopAfter = 1, only = worlds }: PlayOptions,
  progress: (report: CrowdReport) => void = () => {},
): Promise<CrowdReport> {
  const total: CrowdReport = {
    seeds: 0,
    failed: [],
    operations: 0,
    steps: 0,
    deaths: 0,
    checks: 0,
    effects: 0,
    outcomes: {},
    ends: {},
  }
  for (let done = 0; done < count && total.failed.length < stopAfter; done += perWave) {
    const wave = Math.min(perWave, count - done)
    let next = 0
    const take = async () => {
      while (next < wave && total.failed.length < stopAfter) {
        const seed = first + done + next++
        for (const world of only) {
          const { play } = historyOf(redis, world, seed)
          try {
            add(total, await play())
          } catch (error) {
            if (total.failed.length < stopAfter) total.failed.push({ seed, world, error })
          }
        }
        total.seeds++
      }
    }
    await Promise.all(Array.from({ length: atOnce }, take))
    await redis.flushall()
    progress(total)
  }
  return total
}

function add(total: CrowdReport, one: WorldReport): void {
  for (const name of ['operations', 'steps', 'deaths', 'checks', 'effects'] as const) total[name] += one[name]
  for (const of of ['outcomes', 'ends'] as const)
    for (const [name, count] of Object.entries(one[of])) total[of][name] = (total[of][name] ?? 0) + count
}

interface History {
  operations: readonly object[]
  /** All of it, or some. */
  play(some?: readonly object[]): Promise<WorldReport>
  /** As it is called in a test. */
  name: string
}

function historyOf(redis: Redis, world: World, seed: number): History {
  if (world === 'callbacks') {
    const { operations } = createPlan(seed)
    const play: History['play'] = (some = operations) =>
      playWorld(redis, { seed, operations: some as typeof operations })
    return { operations, play, name: `replay(${seed}` }
  }
  const { kind, operations } = createSendingPlan(seed)
  const play: History['play'] = (some = operations) =>
    playSending(redis, { seed, kind, operations: some as typeof operations })
  return { operations, play, name: `send(${seed}, '${kind}'` }
}

/** The shortest history that fails still, as it can be pasted into a regression test. */
export async function describeFailure(redis: Redis, { seed, world, error }: Failed): Promise<string> {
  const { operations, play, name } = historyOf(redis, world, seed)
  const failureOf = async (some: readonly object[]): Promise<unknown> => {
    try {
      await play(some)
      return undefined
    } catch (failure) {
      return failure
    }
  }
  const short = await shrink(operations, async (some) => (await failureOf(some)) !== undefined)
  const last = await failureOf(short)
  return [
    `Seed ${seed} (${world}) fails: ${messageOf(error)}`,
    `${short.length} of its ${operations.length} operations are enough: ${messageOf(last)}`,
    '',
    `  it('names what went wrong', () => ${name}, [`,
    ...short.map((operation) => `    ${JSON.stringify(operation)},`),
    '  ]))',
  ].join('\n')
}

function messageOf(error: unknown): string {
  return error instanceof Error
    ? error.constructor.name === 'Broken'
      ? error.message
      : (error.stack ?? error.message)
    : String(error)
}
