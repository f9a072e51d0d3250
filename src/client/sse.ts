/**
 * Server-sent events, read as they come: a chunk may end anywhere, also within a character or between CR and LF. What is
 * not ended by an empty line is no event, so a connection that is cut never yields half of one.
 */

export interface Frame {
  /** The last `id` that was sent, with this frame or before it. */
  id: string | undefined
  event: string | undefined
  /** Missing where the frame moves the position alone. */
  data: string | undefined
}

export class FrameTooLong extends Error {
  readonly code = 'frame-too-long'

  constructor(max: number) {
    super(`An event of the stream is longer than ${max} characters.`)
    this.name = 'FrameTooLong'
  }
}

/** `maxLength`: of one frame, in characters. */
export function createSseParser({ maxLength = 4 * 1024 * 1024, onRetry = (_ms: number) => {} } = {}) {
  // It takes a byte order mark away, and keeps what is left of a character for the next chunk.
  const decoder = new TextDecoder()
  let rest = ''
  let endedByCr = false
  let length = 0
  let id: string | undefined
  let hasId = false
  let event: string | undefined
  let data: string[] = []

  function take(line: string): Frame | undefined {
    if (line === '') return finish()
    const colon = line.indexOf(':')
    if (colon === 0) return undefined
    const name = colon === -1 ? line : line.slice(0, colon)
    const from = line[colon + 1] === ' ' ? colon + 2 : colon + 1
    takeField(name, colon === -1 ? '' : line.slice(from))
    return undefined
  }

  function takeField(name: string, value: string): void {
    if (name === 'data') data.push(value)
    else if (name === 'event') event = value
    else if (name === 'id' && !value.includes('\0')) {
      id = value
      hasId = true
    } else if (name === 'retry' && /^\d{1,7}$/.test(value)) onRetry(Number(value))
  }

  function finish(): Frame | undefined {
    const isFrame = data.length > 0 || hasId
    const frame: Frame = { id, event, data: data.length > 0 ? data.join('\n') : undefined }
    data = []
    event = undefined
    hasId = false
    length = 0
    return isFrame ? frame : undefined
  }

  return {
    /** The frames that this chunk completes. Throws `FrameTooLong`. */
    push(chunk: Uint8Array): Frame[] {
      const frames: Frame[] = []
      let text = decoder.decode(chunk, { stream: true })
      // The LF of a CRLF that the last chunk cut through.
      if (endedByCr && text !== '') {
        if (text[0] === '\n') text = text.slice(1)
        endedByCr = false
      }
      const lineEnd = /\r\n|\r|\n/g
      let from = 0
      for (let found = lineEnd.exec(text); found; found = lineEnd.exec(text)) {
        const line = rest + text.slice(from, found.index)
        rest = ''
        from = lineEnd.lastIndex
        // A CR at the end of the chunk ends the line now; an LF that follows belongs to it.
        if (found[0] === '\r' && from === text.length) endedByCr = true
        length += line.length
        if (length > maxLength) throw new FrameTooLong(maxLength)
        const frame = take(line)
        if (frame) frames.push(frame)
      }
      rest += text.slice(from)
      if (length + rest.length > maxLength) throw new FrameTooLong(maxLength)
      return frames
    },
  }
}
