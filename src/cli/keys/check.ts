/**
 * Are the keys right? Loading the configuration proves that each can be read and is strong enough; here they are compared
 * with each other, and with what the last start left in Redis.
 */
import { describeFixed, keyPrefix } from '../../compose/base.ts'
import { keyIdsOf } from '../../config/accounts/accounts.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { AppError } from '../../domain/errors.ts'
import { createKeys } from '../../store/keys.ts'
import { findDifference, readFixed } from '../../store/meta.ts'
import { connectDirectly } from '../direct-redis.ts'
import type { Output } from '../output.ts'

export async function checkKeys(
  flags: { json: boolean },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const problems = await findProblems(env)
  if (flags.json) output.out(`${JSON.stringify({ ok: problems.length === 0, problems })}\n`)
  else if (problems.length === 0) output.out('Every key is right.\n')
  else output.out(problems.map((problem) => `${problem}\n`).join(''))
  return problems.length === 0 ? 0 : 1
}

async function findProblems(env: NodeJS.ProcessEnv): Promise<string[]> {
  try {
    const config = loadConfig(env, false)
    return [...compareKeys(config), ...(await compareWithRedis(config))]
  } catch (error) {
    if (error instanceof AppError) return [error.detail]
    throw error
  }
}

/** A key has one name. */
export function compareKeys({ accounts }: Pick<Config, 'accounts'>): string[] {
  const problems: string[] = []
  accounts.forEach((account, index) => {
    const ids = keyIdsOf(account)
    const twice = ids.find((id, i) => ids.indexOf(id) !== i)
    if (twice !== undefined) problems.push(`accounts[${index}]: the key ${twice} stands there twice.`)
  })
  return problems
}

async function compareWithRedis(config: Config): Promise<string[]> {
  const redis = await connectDirectly(config)
  try {
    const stored = await readFixed(redis, createKeys(keyPrefix, config.partitions))
    const difference = findDifference(stored, describeFixed(config))
    return difference === undefined ? [] : [difference]
  } finally {
    redis.disconnect()
  }
}
