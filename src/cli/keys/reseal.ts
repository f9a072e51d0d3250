/** `tallyhook keys reseal`: see src/reseal/reseal.ts for what it promises. */
import { setTimeout as pause } from 'node:timers/promises'
import { describeFixed, keyPrefix, queuePrefix } from '../../compose/base.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { AppError } from '../../domain/errors.ts'
import { callbackQueueName } from '../../queue/catalogue.ts'
import type { RedisClient } from '../../redis/client.ts'
import { createChanges } from '../../reseal/changes.ts'
import { createInHand, queueKeysOf } from '../../reseal/in-hand.ts'
import { runPass } from '../../reseal/pass.ts'
import { type ResealOutcome, reseal } from '../../reseal/reseal.ts'
import { createKeyring, sealedUnder } from '../../seal/keyring.ts'
import { createKeys, type Keys } from '../../store/keys.ts'
import { readSealing, refuseDifference, retireSealKeys } from '../../store/meta.ts'
import { loadScripts } from '../../store/scripts.ts'
import { createOnRecord } from '../audit-parts.ts'
import { connectDirectly } from '../direct-redis.ts'
import type { Output } from '../output.ts'

/** Longer than anything that was read before a pass takes to be written. */
const settleMsDefault = 5_000

const queues = [queueKeysOf(queuePrefix, callbackQueueName)]

export async function resealAll(
  flags: { json: boolean },
  env: NodeJS.ProcessEnv,
  output: Output,
  settleMs = settleMsDefault,
): Promise<number> {
  const config = loadConfig(env, false)
  const keys = createKeys(keyPrefix, config.partitions)
  const redis = await connectDirectly(config)
  try {
    const current = await checkBefore(redis, keys, config)
    const action = { by: 'cli', action: 'keys.reseal', target: current }
    const { result, retired } = await createOnRecord(
      redis,
      keys,
      config,
    )(action, async (note) => {
      const result = await run(redis, keys, config, current, settleMs, output)
      const retired = result.outcome === 'clean' ? await retireSealKeys(redis, keys, current) : []
      note({ after: { outcome: result.outcome, retired: retired.join(',') } })
      return { result, retired }
    })
    if (flags.json) output.out(`${JSON.stringify({ ...result, current, retired })}\n`)
    else output.out(describe(result, current, retired))
    return result.outcome === 'clean' ? 0 : 1
  } finally {
    redis.disconnect()
  }
}

/** Nothing is touched by a configuration that could not start. */
async function checkBefore(redis: RedisClient, keys: Keys, config: Config): Promise<string> {
  const fixed = describeFixed(config)
  await refuseDifference(redis, keys, fixed)
  const sealing = await readSealing(redis, keys)
  if (sealing !== undefined && sealing !== fixed.sealsWith) {
    throw new AppError('invalid-configuration', {
      detail: `seal.keys: the service seals with ${sealing}; restart every process with ${fixed.sealsWith} in the first place, then reseal.`,
    })
  }
  return fixed.sealsWith
}

function run(
  redis: RedisClient,
  keys: Keys,
  config: Config,
  current: string,
  settleMs: number,
  output: Output,
): Promise<ResealOutcome> {
  const changes = createChanges({ ...createKeyring(config.seal.keys), sealedUnder, current })
  const scripts = loadScripts(redis)
  const report = createReport(output)
  return reseal({
    pass: () => runPass({ redis, scripts, keys, queues, changes, onProgress: report.progress }),
    inHand: createInHand(redis, queues),
    pause: (ms) => pause(ms),
    settleMs,
    onPass: (number, { moved, inHand }) => {
      const total = Object.values(moved).reduce((sum, count) => sum + count, 0)
      output.err(
        `pass ${number}: ${total} moved${inHand.length > 0 ? `, waiting for ${inHand.length} jobs` : ''}\n`,
      )
    },
  })
}

const reportEvery = 1_000

function createReport(output: Output) {
  const said = new Map<string, number>()
  return {
    progress(kind: string, moved: number) {
      const thousands = Math.floor(moved / reportEvery)
      if (thousands > (said.get(kind) ?? 0)) output.err(`${kind}: ${moved} moved\n`)
      said.set(kind, thousands)
    },
  }
}

function describe(result: ResealOutcome, current: string, retired: readonly string[]): string {
  const counts = Object.entries(result.moved).map(([kind, count]) => `  ${kind}  ${count}\n`)
  return `Moved to ${current}:\n${counts.join('')}${conclude(result, current, retired)}\n`
}

function conclude(result: ResealOutcome, current: string, retired: readonly string[]): string {
  switch (result.outcome) {
    case 'clean':
      return retired.length === 0
        ? `Everything is sealed under ${current}.`
        : `Everything is sealed under ${current}; ${retired.join(', ')} may leave seal.keys.`
    case 'not-opened':
      return `Not everything could be opened, so no key may go:\n${result.failed
        .map(({ key, why }) => `  ${key}: ${why}`)
        .join('\n')}`
    case 'in-hand':
      return `Workers still have jobs in hand that they read before, so no key may go yet: ${result.jobs.join(', ')}. Run it again.`
    case 'restless':
      return 'Something goes on sealing under an older key, so none may go. Restart every process, and run it again.'
  }
}
