/** A port that is open before it is known what stands behind it: who is to call it has to know its number first. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '../domain/errors.ts'

export interface Door {
  /** An origin that can be called. */
  url: string
  open(listener: RequestListener): void
  close(): Promise<void>
}

export async function openDoor({ host, port }: { host: string; port: number }): Promise<Door> {
  let behind: RequestListener | undefined
  const server = createServer((req, res) => {
    if (behind) behind(req, res)
    else res.writeHead(503, { 'retry-after': '1' }).end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'The port is in use.' : cause.message
      reject(new AppError('invalid-configuration', { detail: `${host}:${port} (sandbox): ${why}`, cause }))
    })
    server.listen(port, host, resolve)
  })
  return {
    url: originOf(server.address() as AddressInfo),
    open(listener) {
      behind = listener
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A listener on every address is reached on the loopback one. */
function originOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}
