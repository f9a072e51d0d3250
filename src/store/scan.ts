/** Every key that matches, batch after batch. On a cluster each master knows only its own. */
import { isCluster, type RedisClient } from '../redis/client.ts'

export interface ScanOptions {
  pattern: string
  type?: 'hash'
}

const batchSize = 500

/** What stays throughout is seen at least once; what comes or goes meanwhile may or may not be. */
export async function* scanKeys(redis: RedisClient, options: ScanOptions): AsyncGenerator<string[]> {
  for (const node of nodesOf(redis)) yield* scanNode(node, options)
}

async function* scanNode(node: RedisClient, { pattern, type }: ScanOptions): AsyncGenerator<string[]> {
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, found] = type
      ? await node.scan(cursor, 'MATCH', pattern, 'COUNT', batchSize, 'TYPE', type)
      : await node.scan(cursor, 'MATCH', pattern, 'COUNT', batchSize)
    cursor = next
    if (found.length > 0) yield found
  }
}

function nodesOf(redis: RedisClient): RedisClient[] {
  return isCluster(redis) ? redis.nodes('master') : [redis]
}
