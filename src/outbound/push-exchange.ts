/**
 * One request over one connection, of which the status is what matters. It is known with the head of the answer; a success is
 * said at once, and the rest of its body is only read so that the connection can be used again. Of any other answer
 * the beginning is waited for as well, though not for long. An answer that goes on for too long, in bytes or in time,
 * loses its connection and changes nothing.
 */
import type { Dispatcher } from 'undici'
import type { Connection } from './connections.ts'
import { excerptBytesMax } from './excerpt.ts'

export interface PushRequest {
  path: string
  headers: Record<string, string>
  body: string
}

/** What comes twice is a list. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

export type PushAnswer =
  | { outcome: 'answered'; status: number; headers: AnswerHeaders; start: Uint8Array }
  /** `reused`: over a connection that had carried others, and nothing came back. */
  | { outcome: 'unanswered'; error: unknown; sent: boolean; reused: boolean }

export interface PushExchange {
  bodyBytesMax: number
  /** Once: what it came to. */
  onAnswer(answer: PushAnswer): void
  /** Once, after that: nothing more will come. The connection may be used again, or not. */
  onEnd(usable: boolean): void
}

/** How long the beginning of a failure's body is waited for, once its status is known. */
const excerptMsMax = 1_000
const nothing = new Uint8Array()

/** Answers with what ends it from outside; the reason is the error of whatever has no answer yet. */
export function pushOver(
  connection: Connection,
  { path, headers, body }: PushRequest,
  { bodyBytesMax, onAnswer, onEnd }: PushExchange,
): (reason: unknown) => void {
  let sent = false
  let reused = false
  let head: { status: number; headers: AnswerHeaders } | undefined
  let answered = false
  let ended = false
  let bytes = 0
  const chunks: Uint8Array[] = []
  let patience: NodeJS.Timeout | undefined

  function settle(error?: unknown): void {
    if (answered) return
    answered = true
    clearTimeout(patience)
    if (head) onAnswer({ outcome: 'answered', ...head, start: join(chunks) })
    else onAnswer({ outcome: 'unanswered', error, sent, reused })
  }

  function end(usable: boolean, error?: unknown): void {
    if (ended) return
    ended = true
    settle(error)
    onEnd(usable)
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {
      // What was given up while it was being connected does not leave any more.
      if (ended) throw new Error('It was given up.')
      sent = true
      reused = connection.uses > 0
    },
    onResponseStart(_, status, answeredHeaders) {
      if (status < 200 || ended) return
      head = { status, headers: answeredHeaders }
      if (isSuccess(status)) settle()
      else patience = setTimeout(settle, excerptMsMax)
    },
    onResponseData(_, chunk) {
      bytes += chunk.length
      if (!answered) {
        chunks.push(chunk)
        if (bytes >= excerptBytesMax) settle()
      }
      if (bytes > bodyBytesMax) end(false)
    },
    onResponseEnd: () => end(!head || !isClosing(head.headers)),
    onResponseError: (_, error) => end(false, error),
  }
  connection.client.dispatch({ path, method: 'POST', headers, body }, handler)
  return (reason) => end(false, reason)
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function isClosing({ connection }: AnswerHeaders): boolean {
  return connection !== undefined && String(connection).toLowerCase().includes('close')
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [only = nothing] = chunks
  return chunks.length > 1 ? Buffer.concat(chunks) : only
}
