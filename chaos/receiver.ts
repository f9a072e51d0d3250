/** `tallyhook serve` alone. No workers: what it acknowledges has to stay in the queue, where it can be counted. */
import { createProgram, type ProgramOptions } from './program.ts'

export type Receiver = ReturnType<typeof createReceiver>

export function createReceiver(options: ProgramOptions) {
  const { broken, start, kill, addresses } = createProgram('The receiver', 'serve', options)
  return {
    broken,
    start,
    kill,
    /** Where callbacks go. Waits while it is away. */
    origin: async () => (await addresses()).callbackUrl ?? '',
  }
}
