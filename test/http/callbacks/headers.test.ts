import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { singleHeaders } from '../../../src/http/callbacks/headers.ts'
import { exchange, type Headers, post } from '../../support/raw-http.ts'

/** Those that Node keeps the first of, or joins by another sign than a comma, and one that is like all others. */
const names = [
  ...[
    'age',
    'authorization',
    'cookie',
    'etag',
    'expires',
    'from',
    'if-modified-since',
    'if-unmodified-since',
  ],
  ...['last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after', 'server'],
  ...['user-agent', 'set-cookie', 'date', 'x-signature'],
]

describe('the headers of a callback', () => {
  it('are none where they came twice, whatever their name', async () => {
    const seen = new Map<string, string | undefined>()
    const server = createServer((req, res) => {
      const header = singleHeaders(req)
      for (const name of names) seen.set(name, header(name))
      res.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const send = (times: number) => {
      const headers: Headers = names.flatMap((name) => Array<[string, string]>(times).fill([name, 'a']))
      return exchange(server, post('/', [...headers, ['connection', 'close']], Buffer.from('{}')))
    }
    try {
      await send(1)
      // Node makes a list of set-cookie, however many there are.
      assert.deepEqual(
        [...seen].filter(([, value]) => value !== 'a').map(([name]) => name),
        ['set-cookie'],
      )
      await send(2)
      assert.deepEqual(
        [...seen].filter(([, value]) => value !== undefined),
        [],
      )
    } finally {
      server.close()
    }
  })
})
