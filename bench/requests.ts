/** Callbacks as requests in a file, for processes that do nothing but send them. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { benchPath, type Keys, type SchemeName, schemes } from './schemes.ts'

const atOnce = 500

/** Signed ahead, so that signing is not measured. */
export async function writeRequests(
  file: string,
  count: number,
  scheme: SchemeName,
  keys: Keys,
): Promise<void> {
  const handle = openSync(file, 'w')
  const now = Date.now()
  for (let from = 0; from < count; from += atOnce) {
    const some = Math.min(atOnce, count - from)
    const requests = Array.from({ length: some }, (_, i) => writeRequest(scheme, keys, from + i, now))
    for (const request of await Promise.all(requests)) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(request.length)
      writeSync(handle, length)
      writeSync(handle, request)
    }
  }
  closeSync(handle)
}

async function writeRequest(scheme: SchemeName, keys: Keys, index: number, now: number): Promise<Buffer> {
  const body = schemes[scheme].describe(index, now)
  const headers = {
    host: '127.0.0.1',
    'user-agent': 'provider/1.0',
    accept: '*/*',
    'content-type': 'application/json',
    ...(await schemes[scheme].sign(keys, body, now)),
    'content-length': String(Buffer.byteLength(body)),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST ${benchPath} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}
