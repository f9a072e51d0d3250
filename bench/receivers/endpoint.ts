/**
 * The endpoints that deliveries go to, as one process: as many ports as there are subscriptions, each answers 200 to
 * everything at once. It does nothing else, since it shares the machine with what it measures: no HTTP library.
 */
import { createServer, type Socket } from 'node:net'
import { tellCpu } from '../processes.ts'

export type EndpointOrder = { ports: number } | { expect: number } | 'cpu'

export interface EndpointResult {
  /** From the first arrival of the round to the last. */
  seconds: number
  arrivals: number
}

const headEnd = Buffer.from('\r\n\r\n')
const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')

/** By port and id, so that a repeat is not counted for what is missing. */
let seen = new Set<string>()
let arrivals = 0
let expected = Number.POSITIVE_INFINITY
let firstAt = 0

function arrive(port: number, head: string): void {
  if (arrivals++ === 0) firstAt = performance.now()
  seen.add(`${port} ${readHeader(head, 'webhook-id: ')}`)
  if (seen.size < expected) return
  const seconds = (performance.now() - firstAt) / 1000
  expected = Number.POSITIVE_INFINITY
  process.send?.({ seconds, arrivals } satisfies EndpointResult)
}

function serve(socket: Socket, port: number): void {
  let held: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (;;) {
      const end = held.indexOf(headEnd)
      if (end < 0) return
      const head = held.toString('latin1', 0, end + 2).toLowerCase()
      const length = end + headEnd.length + Number(readHeader(head, 'content-length: '))
      if (held.length < length) return
      held = held.subarray(length)
      arrive(port, head)
      socket.write(answer)
    }
  })
}

function readHeader(head: string, name: string): string {
  const at = head.indexOf(name)
  if (at < 0) throw new Error(`A request without ${name}`)
  return head.slice(at + name.length, head.indexOf('\r\n', at))
}

function listen(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer((socket) => serve(socket, port)).listen(0, '127.0.0.1', () => {
      port = (server.address() as { port: number }).port
      resolve(port)
    })
    let port = 0
  })
}

process.on('message', (order: EndpointOrder) => {
  if (order === 'cpu') return tellCpu()
  if ('ports' in order) {
    void Promise.all(Array.from({ length: order.ports }, listen)).then((ports) => process.send?.({ ports }))
    return
  }
  seen = new Set()
  arrivals = 0
  expected = order.expect
})
