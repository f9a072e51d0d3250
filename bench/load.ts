/**
 * The load, as a process of its own: it sends requests that were written out before, each once, over keep-alive
 * connections, and times the answers. It does nothing else, since it shares the machine with what it measures: no HTTP
 * library, no object a request.
 */
import { connect, type Socket } from 'node:net'
import { lengthOfAnswer, readRequests } from './wire.ts'

export interface LoadOrder {
  port: number
  /** Requests one after another, each behind its length in four bytes. */
  file: string
  from: number
  count: number
  connections: number
}

export interface LoadResult {
  seconds: number
  p50: number
  p99: number
  /** Answers that were not 200, by status. */
  refused: Record<string, number>
}

let requests: Buffer[] = []
let requestsOf = ''

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result))
})

async function run({ port, file, from, count, connections }: LoadOrder): Promise<LoadResult> {
  if (requestsOf !== file) requests = readRequests(file)
  requestsOf = file
  if (from + count > requests.length) throw new Error('There are not enough requests in the file.')
  const times = new Float64Array(count)
  const refused: Record<string, number> = {}
  let next = 0
  const startedAt = performance.now()

  function drive(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      let sentAt = 0
      let held = Buffer.alloc(0)
      const send = () => {
        const request = next < count ? requests[from + next++] : undefined
        if (!request) {
          socket.end()
          return resolve()
        }
        sentAt = performance.now()
        socket.write(request)
      }
      let answered = 0
      socket.on('data', (chunk) => {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        const length = lengthOfAnswer(held)
        if (length === undefined || held.length < length) return
        const status = held.toString('latin1', 9, 12)
        if (status !== '200') refused[status] = (refused[status] ?? 0) + 1
        times[done++] = performance.now() - sentAt
        held = Buffer.alloc(0)
        answered++
        send()
      })
      socket.on('error', reject)
      socket.on('close', () =>
        next < count ? reject(new Error(`A connection closed after ${answered}.`)) : resolve(),
      )
      send()
    })
  }

  let done = 0
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  await Promise.all(sockets.map(drive))
  const seconds = (performance.now() - startedAt) / 1000
  times.sort()
  const at = (share: number) => times[Math.min(count - 1, Math.floor(count * share))] ?? 0
  return { seconds, p50: at(0.5), p99: at(0.99), refused }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}
