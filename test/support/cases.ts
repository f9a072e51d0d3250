/** Cases on keys of the test's own. */
import type { Redis } from 'ioredis'
import { type Cases, createCases } from '../../src/store/cases.ts'
import { createKeys } from '../../src/store/keys.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { uniquePrefix } from './redis.ts'

export function createTestCases(
  redis: Redis,
  { clock = Date.now, resolvedMax }: { clock?: () => number; resolvedMax?: number } = {},
) {
  const keys = createKeys(uniquePrefix(), 4)
  loadScripts(redis)
  return { keys, cases: createCases({ redis, keys, clock, ...(resolvedMax && { resolvedMax }) }) }
}

/** For a worker in whose test nothing fails for good and nothing is retried. */
export const noCases: Pick<Cases, 'open' | 'settle'> = {
  open: () => Promise.reject(new Error('No case was expected.')),
  settle: () => Promise.reject(new Error('No case was expected.')),
}
