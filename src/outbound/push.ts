/** One push: it waits for its connection, and goes a second time where the first was lost on one that had gone stale. */
import type { Connection, Connections } from './connections.ts'
import { type PushAnswer, type PushRequest, pushOver } from './push-exchange.ts'
import { isLost, TooLate } from './why-unanswered.ts'

export interface PushOptions {
  /** Over everything, the rest of an answer's body included. */
  timeoutMs: number
  bodyBytesMax: number
  /** Once. */
  onAnswer(answer: PushAnswer): void
}

/** Answers with what ends it; the reason is the error of whatever has no answer yet. */
export function startPush(
  connections: Connections,
  origin: string,
  request: PushRequest,
  { timeoutMs, bodyBytesMax, onAnswer }: PushOptions,
): (reason: unknown) => void {
  let over = false
  let stop: ((reason: unknown) => void) | undefined
  const timer = setTimeout(() => end(new TooLate()), timeoutMs)

  function end(reason: unknown): void {
    over = true
    stop?.(reason)
  }

  function take(fresh: boolean): void {
    stop = undefined
    const leave = connections.take(origin, { fresh }, (connection) => send(connection, fresh))
    if (stop) return
    stop = (error) => {
      leave()
      clearTimeout(timer)
      onAnswer({ outcome: 'unanswered', error, sent: false, reused: false })
    }
  }

  function send(connection: Connection, fresh: boolean): void {
    let again = false
    // It may end before it is begun, where the request itself is refused.
    stop = () => {}
    const stopThis = pushOver(connection, request, {
      bodyBytesMax,
      onAnswer(answer) {
        again = !fresh && !over && isStale(answer)
        if (!again) onAnswer(answer)
      },
      onEnd(usable) {
        if (usable) connections.give(connection)
        else connections.drop(connection)
        if (again) take(true)
        else clearTimeout(timer)
      },
    })
    if (!again) stop = stopThis
  }

  take(false)
  return end
}

function isStale(answer: PushAnswer): boolean {
  return answer.outcome === 'unanswered' && answer.reused && isLost(answer.error)
}
