import assert from 'node:assert/strict'
import { type Composed, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { newReference, testAccount } from '../support/zenospay.ts'

describe('the accounts of a running Tallyhook', () => {
  let server: RedisServerProcess
  let one: Composed
  let other: Composed
  before(async () => {
    server = await startRedisServer()
    one = await startComposed(server.url)
    other = await startComposed(server.url, { role: 'serve' })
  })
  after(async () => {
    await one?.stop()
    await other?.stop()
    await server?.stop()
  })

  const read = async ({ apiUrl, headers }: Composed, path: string) => {
    const answer = await fetch(`${apiUrl}${path}`, { headers })
    assert.equal(answer.status, 200)
    return answer
  }
  const health = async (running: Composed) =>
    (await (await read(running, `/v1/accounts/${testAccount.id}`)).json()) as Record<string, unknown>
  const figure = async (running: Composed, name: string) => {
    const text = await (await read(running, '/metrics')).text()
    return text.split('\n').find((line) => line.startsWith(name))
  }

  it('show their last callback in every process', async () => {
    assert.equal((await health(other)).lastCallbackAt, null)
    const before = Date.now()
    assert.equal((await one.callBack(newReference())).status, 200)
    const at = await until('the time of the callback', async () => (await health(other)).lastCallbackAt)
    assert.ok(Date.parse(String(at)) >= before - 1)
  })

  it('are paused everywhere by a call to one of them, and a monitor sees it without a token', async () => {
    const name = `tallyhook_submissions_paused{account="${testAccount.id}"}`
    assert.equal(await figure(one, 'tallyhook_figures_complete'), 'tallyhook_figures_complete 1')
    assert.equal(await figure(other, name), `${name} 0`)
    const paused = await fetch(`${one.apiUrl}/v1/accounts/${testAccount.id}/pause`, {
      method: 'POST',
      headers: one.headers,
      body: JSON.stringify({ reason: 'a test' }),
    })
    assert.equal(paused.status, 200)
    assert.equal(await figure(other, name), `${name} 1`)
    assert.deepEqual(((await health(other)).submissions as { paused: boolean }).paused, true)
    const answer = await fetch(`${other.apiUrl}/metrics`)
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  })
})
