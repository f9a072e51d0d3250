import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '../domain/errors.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'

/** Who has sent no whole request by then is closed on: Node itself would wait for them without end. */
const drainMsMax = 3_000

/** How often a stop looks for connections that have become idle. */
const idleCheckMs = 50

/** Starts listening and says at which origin. Its stop lets the requests under way finish. */
export async function listen(
  server: Server,
  port: number,
  host: string,
  { lifecycle, name }: { lifecycle: Lifecycle; name: string },
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'The port is in use.' : cause.message
      reject(new AppError('invalid-configuration', { detail: `${host}:${port} (${name}): ${why}`, cause }))
    })
    server.listen(port, host, resolve)
  })
  lifecycle.add({ name, stop: () => close(server) })
  return originOf(server.address() as AddressInfo)
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => server.closeIdleConnections(), idleCheckMs)
    const limit = setTimeout(() => server.closeAllConnections(), drainMsMax)
    server.close(() => {
      clearInterval(timer)
      clearTimeout(limit)
      resolve()
    })
    server.closeIdleConnections()
  })
}

/** An address that can be called: a listener on every address is reached on the loopback one. */
function originOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}
