/** One reader of `/v1/events/stream`: what comes is handed on as text, piece by piece. */
import { get, type IncomingMessage } from 'node:http'

export interface StreamPlace {
  apiUrl: string
  token: string
  /** Parameters of the request. */
  query: string
}

export interface StreamReader {
  close(): void
}

export function openStream(
  { apiUrl, token, query }: StreamPlace,
  onChunk: (chunk: Buffer) => void,
  onEnd: (why: string) => void,
): Promise<StreamReader> {
  return new Promise((resolve, reject) => {
    const url = `${apiUrl}/v1/events/stream${query === '' ? '' : `?${query}`}`
    const req = get(url, { headers: { authorization: `Bearer ${token}` }, agent: false })
    let closed = false
    const end = (why: string) => void (closed || onEnd(why))
    // Of one that is open already this says nothing more.
    req.on('error', reject)
    req.on('response', (res: IncomingMessage) => {
      if (res.statusCode !== 200) return reject(new Error(`A stream was answered ${res.statusCode}.`))
      res.on('data', onChunk).on('end', () => end('It ended.'))
      res.on('error', (error) => end(error.message))
      resolve({
        close() {
          closed = true
          req.destroy()
        },
      })
    })
  })
}
