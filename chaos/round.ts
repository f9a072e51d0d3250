/**
 * One round: a fresh Redis, a receiver, load, a few strikes, and at the end both are killed once more under load. Then
 * Redis alone is started on its files, and what it has read from them is compared with what was acknowledged.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedisServer } from '../src/embedded/find-server.ts'
import { type Load, startLoad } from './load.ts'
import type { RoundPlan, StrikeKind } from './plan.ts'
import type { Callback, ChaosProvider } from './provider.ts'
import { readQueue } from './read-queue.ts'
import { createReceiver } from './receiver.ts'
import { createRedis } from './redis.ts'
import type { Stock } from './stock.ts'
import { carryOut, carryOutLast } from './strike.ts'
import { judge, type Verdict } from './verdict.ts'

export interface RoundDeps {
  /** Where Redis keeps its files. It stays when the round has failed. */
  folder: string
  server: RedisServer
  /** The built `main.js`. */
  program: string
  provider: ChaosProvider
  stock: Stock<Callback>
}

export interface RoundReport extends Verdict {
  acknowledged: number
  queued: number
  forged: number
  answers: Record<string, number>
  strikes: Partial<Record<StrikeKind, number>>
  recoveryMsMax: Partial<Record<StrikeKind, number>>
}

export const hasFailed = ({ lost, faults }: Verdict) => lost.length > 0 || faults.length > 0

export async function runRound(plan: RoundPlan, deps: RoundDeps): Promise<RoundReport> {
  const { folder, server, program, provider, stock } = deps
  rmSync(folder, removal)
  const redisFolder = join(folder, 'redis')
  const configFile = join(folder, 'tallyhook.json')
  mkdirSync(redisFolder, { recursive: true })
  writeFileSync(configFile, JSON.stringify(provider.configuration), { mode: 0o600 })

  const redis = await createRedis(server, redisFolder)
  const receiver = createReceiver({
    program,
    configFile,
    dataDir: join(folder, 'data'),
    redisUrl: redis.url,
  })
  const strikes: RoundReport['strikes'] = {}
  const recoveryMsMax: RoundReport['recoveryMsMax'] = {}
  let load: Load | undefined
  try {
    await redis.start()
    await receiver.start()
    load = startLoad({ origin: receiver.origin, stock, budgetMs: provider.budgetMs })
    const target = { receiver, redis, load }
    for (const strike of plan.strikes) {
      const { kind } = strike
      const { recoveryMs } = await carryOut(strike, target)
      strikes[kind] = (strikes[kind] ?? 0) + 1
      recoveryMsMax[kind] = Math.max(recoveryMsMax[kind] ?? 0, recoveryMs)
    }
    await carryOutLast(plan.last, target)
    strikes[plan.last.kind] = (strikes[plan.last.kind] ?? 0) + 1
    await load.stop()

    await redis.start()
    const queued = await readQueue(redis.url, provider.keyring.open)
    const { acknowledged, answers } = load
    const verdict = judge({ ...load, queued })
    const faults = [...load.faults, ...verdict.faults]
    const report = { ...verdict, faults, answers, strikes, recoveryMsMax }
    await redis.kill()
    if (!hasFailed(report)) rmSync(folder, removal)
    return { ...report, acknowledged: acknowledged.size, queued: queued.length, forged: load.forged.size }
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause)
    // A load that is refused gets nowhere: what it was refused with says more than that it got stuck.
    throw new Error([what, ...(load?.faults.slice(0, 1) ?? [])].join('; before that, '), { cause })
  } finally {
    await Promise.all([receiver.kill(), redis.kill()])
    await load?.stop()
  }
}

/** A Redis that is killed while it rewrites its file leaves a child behind, which writes for a moment longer. */
const removal = { recursive: true, force: true, maxRetries: 10 } as const
