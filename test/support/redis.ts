/**
 * One Redis for the whole run: the one that REDIS_URL names, or a private one that is started before the first test
 * and stopped after the last. Tests keep apart by their own key prefix.
 */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { type ConnectionTemper, createConnect, type RedisTarget } from '../../src/queue/connections.ts'

export function testRedis(): RedisTarget {
  const socket = process.env.TALLYHOOK_TEST_SOCKET
  if (socket) return { kind: 'socket', path: socket }
  const url = process.env.REDIS_URL
  if (url) return { kind: 'url', url }
  throw new Error(
    'No Redis for the tests: test/support/hooks.ts starts one, so run them by `npm test` or mocha’s own configuration.',
  )
}

export function uniquePrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`
}

/** Clients that one test opened, closed together. */
export function createTestClients(target?: RedisTarget) {
  const opened: Redis[] = []
  return {
    async open(temper: ConnectionTemper = 'wait', name = 'test'): Promise<Redis> {
      const client = createConnect(target ?? testRedis())(temper, name)
      if (!(client instanceof Redis)) throw new Error('A cluster is opened by the tests that are about one.')
      opened.push(client)
      await client.connect()
      return client
    },
    closeAll(): void {
      for (const client of opened.splice(0)) client.disconnect()
    },
  }
}
