/** Bytes to a server and back, for requests that no HTTP library would make. */

import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** All that comes back until the other side closes. */
export function exchange(server: Server, bytes: string | Buffer, { end = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open(server)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', (error) => (answer ? resolve(answer) : reject(error)))
    socket.on('close', () => resolve(answer))
    socket.write(bytes)
    if (end) socket.end()
  })
}

/** Its errors show as its closing. */
export function open(server: Server): Socket {
  const { port } = server.address() as AddressInfo
  return connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
}

/** One request after another over one connection, and the status of each; a connection that was closed is opened again. */
export function createCaller(server: Server) {
  let socket: Socket | undefined
  return {
    status(request: Buffer): Promise<number> {
      return new Promise((resolve, reject) => {
        const line = socket && !socket.destroyed ? socket : open(server)
        socket = line
        let held = Buffer.alloc(0)
        const settle = (outcome: () => void) => {
          line.off('data', onData).off('close', onClose).off('error', onError)
          outcome()
        }
        const onData = (chunk: Buffer) => {
          held = Buffer.concat([held, chunk])
          const text = held.toString('latin1')
          const end = text.indexOf('\r\n\r\n')
          if (end < 0) return
          const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
          if (held.length < end + 4 + length) return
          if (/connection: close/i.test(text.slice(0, end))) line.destroy()
          settle(() => resolve(Number(text.slice(9, 12))))
        }
        const onClose = () => settle(() => reject(new Error(`Closed after ${held.length} bytes.`)))
        const onError = (error: Error) => settle(() => reject(error))
        line.on('data', onData).on('close', onClose).on('error', onError)
        line.write(request)
      })
    },
    close: () => socket?.destroy(),
  }
}

export type Headers = [name: string, value: string][]

export function post(path: string, headers: Headers, body: Buffer): Buffer {
  const lines = [['host', 'x'] as const, ...headers, ['content-length', String(body.length)] as const]
  const head = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}
