/**
 * What was delivered is written down, or it would be sent again: while Redis is full or away this is tried until it
 * passes, or until there is no time left.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readTrouble } from '../wait-out.ts'

const againMs = 250

export async function insist<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (signal.aborted || !readTrouble(error)) throw error
      await sleep(againMs, undefined, { signal }).catch(() => {})
    }
  }
}
