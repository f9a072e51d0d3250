/** Many histories at once on one connection, so that their round trips overlap. */
import { Redis } from 'ioredis'
import { startRedisServer } from '../support/redis-server.ts'
import { createPlan, type Operation, type Plan } from './plan.ts'
import { shrink } from './shrink.ts'
import { playWorld, type WorldReport } from './world.ts'

export interface Failed {
  seed: number
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

export async function playSeeds(
  redis: Redis,
  { first, count, stopAfter = 1 }: { first: number; count: number; stopAfter?: number },
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
  }
  for (let done = 0; done < count && total.failed.length < stopAfter; done += perWave) {
    const wave = Math.min(perWave, count - done)
    let next = 0
    const take = async () => {
      while (next < wave && total.failed.length < stopAfter) {
        const seed = first + done + next++
        try {
          add(total, await playWorld(redis, createPlan(seed)))
        } catch (error) {
          if (total.failed.length < stopAfter) total.failed.push({ seed, error })
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
  for (const [name, count] of Object.entries(one.outcomes))
    total.outcomes[name] = (total.outcomes[name] ?? 0) + count
}

export async function failureOf(redis: Redis, plan: Plan): Promise<unknown> {
  try {
    await playWorld(redis, plan)
    return undefined
  } catch (error) {
    return error
  }
}

/** The shortest history that fails still, as it can be pasted into regressions.test.ts. */
export async function describeFailure(redis: Redis, { seed, error }: Failed): Promise<string> {
  const { operations } = createPlan(seed)
  const fails = async (some: readonly Operation[]) =>
    (await failureOf(redis, { seed, operations: [...some] })) !== undefined
  const short = await shrink(operations, fails)
  const last = await failureOf(redis, { seed, operations: short })
  return [
    `Seed ${seed} fails: ${messageOf(error)}`,
    `${short.length} of its ${operations.length} operations are enough: ${messageOf(last)}`,
    '',
    `  it('names what went wrong', () => replay(${seed}, [`,
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
