import assert from 'node:assert/strict'
import { type Composed, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { newReference } from '../support/zenospay.ts'

describe('the event stream of a process', () => {
  let server: RedisServerProcess
  let tallyhook: Composed

  before(async () => {
    server = await startRedisServer()
  })
  after(() => server.stop())

  async function open(after?: string) {
    const headers = { ...tallyhook.headers, ...(after !== undefined && { 'last-event-id': after }) }
    const answer = await fetch(`${tallyhook.apiUrl}/v1/events/stream`, { headers })
    assert.equal(answer.status, 200)
    const reader = (answer.body ?? assert.fail('It has no body.'))
      .pipeThrough(new TextDecoderStream())
      .getReader()
    let text = ''
    return {
      async until(pattern: RegExp): Promise<RegExpExecArray> {
        for (;;) {
          const found = pattern.exec(text)
          if (found) return found
          const { value, done } = await reader.read()
          if (done) assert.fail(`It ended without ${pattern}.`)
          text += value
        }
      },
      async end(): Promise<void> {
        for (;;) if ((await reader.read()).done) return
      },
    }
  }

  it('tells what is registered and what a callback did, ends with the process, and goes on with the next', async () => {
    tallyhook = await startComposed(server.url)
    const stream = await open()
    const [first = ''] = await tallyhook.registerSome(1)
    await stream.until(/event: tallyhook\.transfer\.registered\.v1\n/)
    assert.equal((await tallyhook.callBack(first)).status, 200)
    const [, cursor] = await stream.until(/id: (\S+)\nevent: tallyhook\.transfer\.succeeded\.v1\n/)
    const ended = stream.end()
    assert.ok(await tallyhook.stop(), 'every part stopped by itself')
    await ended

    tallyhook = await startComposed(server.url, { role: 'serve' })
    const again = await open(cursor)
    const reference = newReference()
    assert.equal((await tallyhook.register(reference)).status, 201)
    const [all] = await again.until(/event: .*\ndata: .*\n\n/)
    assert.ok(all.includes(reference) && all.includes('transfer.registered'))
    const head = await fetch(`${tallyhook.apiUrl}/v1/events/head`, { headers: tallyhook.headers })
    const { partitions } = (await head.json()) as { partitions: { count: number }[] }
    assert.equal(
      partitions.reduce((sum, { count }) => sum + count, 0),
      3,
    )
    const over = again.end()
    assert.ok(await tallyhook.stop())
    await over
  })
})
