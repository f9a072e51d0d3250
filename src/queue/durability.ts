/**
 * "Acknowledged means durable" holds only on a Redis that writes before it answers and never evicts. These are the
 * settings that make it so; whatever is weaker is a finding, in a sentence that says what to set.
 */
export interface DurabilityPolicy {
  fsync: 'always' | 'everysec'
  /** How many replicas must have a write before it counts; 0 asks none. */
  replicas: number
  onWeaker: 'refuse' | 'warn'
}

export const checkedSettings = [
  'appendonly',
  'appendfsync',
  'no-appendfsync-on-rewrite',
  'maxmemory',
  'maxmemory-policy',
] as const
type Setting = (typeof checkedSettings)[number]

/** What CONFIG GET answered; undefined where the server does not let us ask. */
export type RedisSettings = Partial<Record<Setting, string>>

export function findWeaknesses(settings: RedisSettings, policy: DurabilityPolicy): string[] {
  const unknown = checkedSettings.filter((name) => settings[name] === undefined)
  if (unknown.length > 0)
    return [`CONFIG GET does not answer for ${unknown.join(', ')}, so it cannot be checked`]
  const findings: string[] = []
  if (settings.appendonly !== 'yes') findings.push('appendonly must be yes')
  if (!fsyncSuffices(settings.appendfsync, policy.fsync)) findings.push(`appendfsync must be ${policy.fsync}`)
  if (settings['no-appendfsync-on-rewrite'] !== 'no') findings.push('no-appendfsync-on-rewrite must be no')
  if (settings['maxmemory-policy'] !== 'noeviction') findings.push('maxmemory-policy must be noeviction')
  if (settings.maxmemory === '0')
    findings.push('maxmemory must be set, so that intake can stop before it is reached')
  return findings
}

function fsyncSuffices(actual: string | undefined, wanted: DurabilityPolicy['fsync']): boolean {
  return actual === 'always' || actual === wanted
}

export interface ReplicationLink {
  role: string
  /** Connected, in step, and heard of lately. */
  replicas: number
}

/** A replica reports every second; one that has been silent for longer is not one to count on. */
const silentSecondsMax = 5

export function readLink(info: string): ReplicationLink {
  const lines = [...info.matchAll(/^slave\d+:.*\bstate=online\b.*\blag=(\d+)/gm)]
  return {
    role: /^role:(\w+)/m.exec(info)?.[1] ?? 'unknown',
    replicas: lines.filter(([, lag]) => Number(lag) <= silentSecondsMax).length,
  }
}

/** Intake stops here, so that the workers still have room to drain what is queued. */
export const fullShare = 0.85

export interface MemoryUse {
  usedBytes: number
  maxBytes: number
}

/** Replica and append-only buffers do not count towards maxmemory. */
export function readMemoryUse(info: string): MemoryUse {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  return {
    usedBytes: field('used_memory') - field('mem_not_counted_for_evict'),
    maxBytes: field('maxmemory'),
  }
}

export function isFull({ usedBytes, maxBytes }: MemoryUse): boolean {
  return maxBytes > 0 && usedBytes > maxBytes * fullShare
}
