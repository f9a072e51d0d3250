/**
 * Tells that the log of a partition has grown. The scripts publish a hint with each append; a hint may be lost, so whoever
 * listens also looks by themselves now and then.
 */
import type { RedisClient } from '../redis/client.ts'

export interface Wake {
  /** Returns what ends it. */
  listen(listener: (partition: number) => void): () => void
  start(): Promise<void>
  stop(): Promise<void>
}

export function createWake({ client, channel }: { client: RedisClient; channel: string }): Wake {
  const listeners = new Set<(partition: number) => void>()
  client.on('message', (_channel, partition) => {
    for (const listener of listeners) listener(Number(partition))
  })

  return {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async start() {
      await client.subscribe(channel)
    },
    async stop() {
      client.disconnect()
    },
  }
}
