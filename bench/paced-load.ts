/**
 * Callbacks at a given speed, or as fast as they are answered, and one reader of the stream beside them, as one process and
 * by one clock: when each callback was to be sent, when it was acknowledged, and when its event came.
 */
import { connect, type Socket } from 'node:net'
import { tellCpu } from './processes.ts'
import { shareOf } from './sample.ts'
import { openStream, type StreamPlace, type StreamReader } from './stream-reader.ts'
import { lengthOfAnswer, readRequests } from './wire.ts'

export interface PacedOrder {
  port: number
  file: string
  from: number
  count: number
  connections: number
  /** A second; missing: the next as soon as one is answered. */
  rate?: number
  stream: StreamPlace
}

export interface Times {
  p50: number
  p99: number
  max: number
}

export interface PacedResult {
  /** Sending, and until the last event had come. */
  sentSeconds: number
  seconds: number
  acknowledged: Times
  /** From the sending of a callback, and from its acknowledgement, to its event. */
  fromSent: Times
  fromAck: Times
}

const marker = '"reference":"RLG'
const digits = 8
const tickMs = 1
const againMs = 25

let requests: Buffer[] = []
let requestsOf = ''

process.on('message', (order: PacedOrder | 'cpu') => {
  if (order === 'cpu') return tellCpu()
  void run(order).then((result) => process.send?.(result))
})

async function run(order: PacedOrder): Promise<PacedResult> {
  const { port, file, from, count, connections, rate } = order
  if (requestsOf !== file) requests = readRequests(file)
  requestsOf = file
  const sentAt = new Float64Array(count)
  const ackAt = new Float64Array(count)
  const eventAt = new Float64Array(count)
  const arrived = watchStream(order, eventAt)
  const stream = await arrived.opened
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))

  const startedAt = performance.now()
  await sendAll(sockets, { from, count, rate }, sentAt, ackAt)
  const sentSeconds = (performance.now() - startedAt) / 1000
  await arrived.all
  const seconds = (performance.now() - startedAt) / 1000
  stream.close()
  for (const socket of sockets) socket.destroy()
  return {
    sentSeconds,
    seconds,
    acknowledged: timesOf(sentAt, ackAt),
    fromSent: timesOf(sentAt, eventAt),
    fromAck: timesOf(ackAt, eventAt),
  }
}

function watchStream({ stream, from, count }: PacedOrder, eventAt: Float64Array) {
  let missing = count
  let tail = ''
  let finish = () => {}
  let fail = (_: Error) => {}
  const all = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })

  function take(chunk: Buffer): void {
    const text = tail + chunk.toString('latin1')
    let read = 0
    for (;;) {
      const at = text.indexOf(marker, read)
      const end = at + marker.length + digits
      if (at < 0 || end > text.length) break
      read = end
      const index = Number(text.slice(at + marker.length, end)) - from
      if (index < 0 || index >= count || eventAt[index] !== 0) continue
      eventAt[index] = performance.now()
      if (--missing === 0) finish()
    }
    tail = text.slice(Math.max(read, text.length - marker.length - digits))
  }

  const opened: Promise<StreamReader> = openStream(stream, take, (why) =>
    fail(new Error(`The stream broke off: ${why}`)),
  )
  return { opened, all }
}

interface Pace {
  from: number
  count: number
  rate: number | undefined
}

/** Those that are due and find no connection free wait, and the wait counts. */
function sendAll(
  sockets: Socket[],
  { from, count, rate }: Pace,
  sentAt: Float64Array,
  ackAt: Float64Array,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const free: ((index: number) => void)[] = []
    const startedAt = performance.now()
    let due = 0
    let next = 0
    let answered = 0
    // In turn: one that waits for long without a request is closed by the other side.
    const give = () => {
      while (free.length > 0 && next < due) free.shift()?.(next++)
    }
    const settle = (index: number) => {
      ackAt[index] = performance.now()
      if (++answered === count) {
        clearInterval(timer)
        resolve()
      } else if (rate === undefined) more(Math.min(count, due + 1))
      else give()
    }
    const more = (until: number) => {
      const now = performance.now()
      for (; due < until; due++) sentAt[due] = now
      give()
    }
    for (const socket of sockets) {
      drive(
        socket,
        (index) => requests[from + index] as Buffer,
        (send) => free.push(send),
        settle,
        reject,
      )
    }
    const elapsed = () => performance.now() - startedAt
    const tick = () => more(Math.min(count, Math.floor((elapsed() * (rate ?? 0)) / 1000)))
    const timer = setInterval(rate === undefined ? () => {} : tick, tickMs)
    if (rate === undefined) more(Math.min(count, sockets.length))
  })
}

function drive(
  socket: Socket,
  requestOf: (index: number) => Buffer,
  offer: (send: (index: number) => void) => void,
  settle: (index: number) => void,
  fail: (error: Error) => void,
): void {
  let held: Buffer = Buffer.alloc(0)
  let current = -1
  const send = (index: number) => {
    current = index
    socket.write(requestOf(index))
  }
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const length = lengthOfAnswer(held)
    if (length === undefined || held.length < length) return
    const status = held.toString('latin1', 9, 12)
    held = Buffer.alloc(0)
    const index = current
    // As a provider would: the wait counts.
    if (status === '503') return void setTimeout(send, againMs, index)
    if (status !== '200') return fail(new Error(`A callback was answered ${status}.`))
    offer(send)
    settle(index)
  })
  socket.on('error', fail)
  offer(send)
}

function timesOf(from: Float64Array, to: Float64Array): Times {
  const times = to.map((at, i) => at - (from[i] ?? 0)).sort()
  return { p50: shareOf(times, 0.5), p99: shareOf(times, 0.99), max: shareOf(times, 1) }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}
