/**
 * The raw bytes of one callback, kept as they came because the signature is over them. Bounded in size and in time; of
 * what is too large, the rest is not read.
 */
import type { IncomingMessage } from 'node:http'
import type { Patience } from '../../telemetry/patience.ts'
import type { Room } from './room.ts'

export type BodyOutcome =
  | { outcome: 'read'; body: Buffer }
  | { outcome: 'too-large' }
  | { outcome: 'no-room' }
  | { outcome: 'too-slow' }
  | { outcome: 'gone' }

/**
 * The timer of a slow sender is started only when the account's own time is over: nearly every body is there long
 * before. The room of a body that was read is the caller's to give back.
 */
export function readBody(
  req: IncomingMessage,
  limitBytes: number,
  patience: Patience,
  graceMs: number,
  room: Room,
): Promise<BodyOutcome> {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > limitBytes) return Promise.resolve({ outcome: 'too-large' })

  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let done = false

    const finish = (outcome: BodyOutcome) => {
      // A late timer has two more turns to go, in which the body may still have come.
      if (done) return
      done = true
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      clearTimeout(timer)
      if (outcome.outcome !== 'read') {
        req.pause()
        room.give(bytes)
      }
      resolve(outcome)
    }
    const onData = (chunk: Buffer) => {
      if (bytes + chunk.length > limitBytes) return finish({ outcome: 'too-large' })
      if (!room.take(chunk.length)) return finish({ outcome: 'no-room' })
      bytes += chunk.length
      chunks.push(chunk)
    }
    const onEnd = () =>
      finish({ outcome: 'read', body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) })
    const onGone = () => finish({ outcome: 'gone' })
    const onLate = () => finish({ outcome: 'too-slow' })
    // If it was we who were slow, what has come meanwhile is read first: timers run before what the network brought.
    let timer: NodeJS.Timeout | undefined
    patience.onOver(() => {
      timer = setTimeout(() => setImmediate(() => setImmediate(onLate)), graceMs)
    })

    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}
