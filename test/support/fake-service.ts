/** A service that answers as a test says, one request after another, over real HTTP. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Patience, TallyhookEvent } from '../../src/client/index.ts'

export type Answer = (response: ServerResponse, request: IncomingMessage) => unknown

export interface FakeService {
  url: string
  /** What was asked so far, as `GET /v1/events?after=1 last-event-id=2`. */
  asked: string[]
  close(): Promise<void>
}

/** The last answer is given to all that comes after. */
export async function startFakeService(...answers: Answer[]): Promise<FakeService> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const lastId = request.headers['last-event-id']
    asked.push(`${request.method} ${request.url}${lastId === undefined ? '' : ` last-event-id=${lastId}`}`)
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    request.resume()
    request.on('end', () => answer?.(response, request))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close').catch(() => {})
    },
  }
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body === undefined ? '' : JSON.stringify(body))
  }

export const problem = (
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
) => json(status, { status, code, detail: `It is ${code}.`, ...more }, headers)

export const cut: Answer = (response) => response.destroy()

/** A stream of these texts, and then what the test says: by default it stays open. */
export const stream =
  (texts: readonly string[], then: Answer = () => {}): Answer =>
  (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    // What is written before a connection is cut arrives before it is.
    response.write(`retry: 1\n\n${texts.join('')}`, () => then(response, request))
  }

export const end: Answer = (response) => response.end()

export const frame = (cursor: string, event: TallyhookEvent) =>
  `id: ${cursor}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** No time passes but what is waited for. */
export function createTestPatience(): Patience & { waited: number[] } {
  let now = Date.UTC(2026, 0, 2)
  const waited: number[] = []
  return {
    waited,
    clock: () => now,
    random: () => 1,
    async sleep(ms) {
      waited.push(ms)
      now += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
