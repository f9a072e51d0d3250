/**
 * The campaign against the deliveries: events go to five subscribers with habits of their own while the workers are
 * killed one after another. At the end each subscriber's arrivals are compared with the feed.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findServer } from '../src/embedded/find-server.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import { createDeliverApi, type DeliverApi } from './deliver-api.ts'
import { isTransfer, publishEvents } from './deliver-load.ts'
import { type DeliverPlan, type DeliverSize, habits, planDeliveries } from './deliver-plan.ts'
import { createDeliverProvider } from './deliver-provider.ts'
import type { DeliverReport } from './deliver-report.ts'
import { type Subscriber, startSubscriber } from './deliver-subscriber.ts'
import { hasDeliverFailed, judgeDeliveries } from './deliver-verdict.ts'
import { createMilestones, type Milestones } from './milestones.ts'
import { createProgram, type Program } from './program.ts'
import { createRedis } from './redis.ts'

export interface DeliverCampaignOptions extends DeliverSize {
  /** It stays when the campaign has failed. */
  folder: string
  /** The built `main.js`. */
  program: string
  seed: string
  /** So long without a delivery, while some are missing, is the end. */
  stuckMs: number
  say(line: string): void
}

const types = ['tallyhook.transfer.*']

export async function runDeliverCampaign(options: DeliverCampaignOptions): Promise<DeliverReport> {
  const { folder, program, workers: workerCount, seed, say } = options
  if (!existsSync(program)) throw new Error(`There is no ${program}; run \`npm run build\`.`)
  const plan = planDeliveries(seed, options)
  rmSync(folder, removal)
  mkdirSync(join(folder, 'redis'), { recursive: true })
  const server = await findServer({
    packageFolder: join(folder, '..', 'redis-package'),
    env: process.env,
    logger: silentLogger,
  })
  const provider = createDeliverProvider()
  const configFile = join(folder, 'tallyhook.json')
  writeFileSync(configFile, JSON.stringify(provider.configuration), { mode: 0o600 })

  const redis = await createRedis(server, join(folder, 'redis'))
  const place = { program, configFile, dataDir: join(folder, 'data'), redisUrl: redis.url }
  const serving = createProgram('The API', 'serve', place)
  const workers = Array.from({ length: workerCount }, (_, i) => createProgram(`Worker ${i}`, 'work', place))
  const taken = createMilestones()
  const subscribers = await Promise.all(
    habits.map((habit) =>
      startSubscriber({ habit, seed, absences: habit === 'away' ? plan.absences : [], onTaken: taken.add }),
    ),
  )
  let api: DeliverApi | undefined
  try {
    await redis.start()
    await serving.start()
    const { apiUrl = '', callbackUrl = '' } = await serving.addresses()
    api = createDeliverApi({ apiUrl, callbackUrl }, provider)
    for (const subscriber of subscribers) {
      const { secret } = await api.subscribe(subscriber.url, types)
      subscriber.verifyWith(secret)
    }
    for (const worker of workers) await worker.start()

    const startedAt = performance.now()
    const broken = [redis.broken, serving.broken, ...workers.map((worker) => worker.broken)]
    const done = Promise.all([publishEvents(api, options.events), killWorkers(plan, workers, taken)])
    const all = done.then(async ([feed]) => hasTaken(subscribers, feed.filter(isTransfer).length))
    const outcome = await Promise.race([all, standsStill(() => taken.count, options.stuckMs), ...broken])

    const feed = await api.readFeed()
    const evidence = {
      feed,
      head: await api.readHead(),
      wanted: isTransfer,
      subscribers: subscribers.map(named),
    }
    const verdict = judgeDeliveries(evidence)
    const faults = outcome === undefined ? verdict.faults : [outcome, ...verdict.faults]
    const seconds = (performance.now() - startedAt) / 1000
    const report = { ...verdict, faults, kills: plan.kills.length, seconds }
    await endAll()
    if (hasDeliverFailed(report)) say(`FAILED seed ${seed} (files in ${folder})`)
    else rmSync(folder, removal)
    return report
  } finally {
    await endAll()
  }

  async function endAll(): Promise<void> {
    await api?.close()
    await Promise.all([serving, ...workers].map((running) => running.kill()))
    await Promise.all([redis.kill(), ...subscribers.map((subscriber) => subscriber.close())])
  }
}

const named = ({ habit, arrivals }: Subscriber) => ({ name: habit, arrivals })

/** One after another, and each is started again at once. */
async function killWorkers(
  { kills }: DeliverPlan,
  workers: readonly Program[],
  taken: Milestones,
): Promise<void> {
  for (const { worker: index, afterTaken, delayMs } of kills) {
    await taken.more(afterTaken - taken.count)
    await sleep(delayMs)
    const worker = workers[index]
    await worker?.kill()
    await worker?.start()
  }
}

async function hasTaken(subscribers: readonly Subscriber[], count: number): Promise<undefined> {
  while (subscribers.some(({ taken }) => taken.size < count)) await sleep(lookMs)
}

/** What is wrong, as soon as nothing was delivered for so long. */
async function standsStill(count: () => number, stuckMs: number): Promise<string> {
  let [seen, at] = [count(), performance.now()]
  while (performance.now() - at < stuckMs) {
    await sleep(lookMs)
    if (count() > seen) [seen, at] = [count(), performance.now()]
  }
  return `nothing was delivered for ${stuckMs} ms`
}

const lookMs = 50

/** A Redis that is killed while it rewrites its file leaves a child behind, which writes for a moment longer. */
const removal = { recursive: true, force: true, maxRetries: 10 } as const
