/** What one master says of itself, and what follows from it. */
import type { Redis } from 'ioredis'
import {
  checkedSettings,
  type DurabilityPolicy,
  findWeaknesses,
  isFull,
  type MemoryUse,
  type RedisSettings,
  readLink,
  readMemoryUse,
} from './durability.ts'

export type RedisState =
  | { state: 'ok' }
  | { state: 'away'; reason: string }
  /** `because`: a setting is mended by a person; missing replicas come back, so no start is refused for them. */
  | { state: 'weak'; because: 'settings' | 'replicas'; reason: string }
  | { state: 'full'; reason: string }

export interface NodeReport {
  state: RedisState
  /** Weak settings that the policy allows, for the log. */
  allowed?: string
  /** Of the fullest, where there are several. */
  memory?: MemoryUse
}

export interface NodePlace {
  /** Stands in the reasons where there is more than one server to think of. */
  name?: string | undefined
  /** Reached as a node of a cluster, by a client that knows its slots. */
  inCluster: boolean
}

export async function reportOn(
  node: Redis,
  policy: DurabilityPolicy,
  { name, inCluster }: NodePlace,
): Promise<NodeReport> {
  const subject = name === undefined ? 'Redis' : `Redis ${name}`
  const [settings, memoryInfo, replication, cluster] = await Promise.all([
    readSettings(node),
    node.info('memory'),
    node.info('replication'),
    node.info('cluster'),
  ])
  // Alone it would serve its own slots and refuse the others, one callback after another.
  if (!inCluster && /^cluster_enabled:1/m.test(cluster)) {
    const reason = `${subject} is a node of a cluster; REDIS_URL must begin with redis+cluster://.`
    return { state: { state: 'away', reason } }
  }
  const memory = readMemoryUse(memoryInfo)
  const link = readLink(replication)
  if (link.role !== 'master')
    return { state: { state: 'away', reason: `${subject} is a replica, and takes no writes.` } }

  const findings = findWeaknesses(settings, policy)
  const weak = `${subject} would lose data: ${findings.join('; ')}.`
  if (findings.length > 0 && policy.onWeaker === 'refuse')
    return { state: { state: 'weak', because: 'settings', reason: weak }, memory }
  const allowed = findings.length > 0 ? { allowed: weak } : {}

  if (link.replicas < policy.replicas) {
    const reason = `${subject} has ${link.replicas} of the ${policy.replicas} replicas that durability.replicas asks for.`
    return { state: { state: 'weak', because: 'replicas', reason }, ...allowed, memory }
  }
  if (!isFull(memory)) return { state: { state: 'ok' }, ...allowed, memory }
  const reason = `${subject} uses ${memory.usedBytes} of ${memory.maxBytes} bytes; callbacks are taken again when there is room.`
  return { state: { state: 'full', reason }, ...allowed, memory }
}

/** Not let ask is a finding; no answer at all is Redis being away. */
async function readSettings(node: Redis): Promise<RedisSettings> {
  try {
    const pairs = (await node.call('CONFIG', 'GET', ...checkedSettings)) as string[]
    const settings: Record<string, string> = {}
    for (let i = 0; i + 1 < pairs.length; i += 2) settings[pairs[i] ?? ''] = pairs[i + 1] ?? ''
    return settings
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return {}
    throw error
  }
}
