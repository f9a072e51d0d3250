/**
 * Tells those who wait for events that the log has grown. The scripts publish a hint with each append; a hint may be
 * lost, so nobody waits longer than a second without looking.
 */
import type { RedisClient } from '../redis/client.ts'

export interface Wake {
  waitForGrowth(ms: number, signal: AbortSignal): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const blindMsMax = 1000

export function createWake({ client, channel }: { client: RedisClient; channel: string }): Wake {
  const waiting = new Set<() => void>()
  client.on('message', () => {
    for (const wake of waiting) wake()
  })

  return {
    waitForGrowth(ms, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const done = () => {
          clearTimeout(timer)
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = setTimeout(done, Math.min(ms, blindMsMax))
        waiting.add(done)
        signal.addEventListener('abort', done, { once: true })
      })
    },
    async start() {
      await client.subscribe(channel)
    },
    async stop() {
      client.disconnect()
      for (const wake of [...waiting]) wake()
    },
  }
}
