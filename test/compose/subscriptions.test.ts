import assert from 'node:assert/strict'
import { type Composed, type ComposedOptions, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { type Subscriber, startSubscriber } from '../support/subscriber.ts'

describe('subscriptions of a running Tallyhook', () => {
  const role = 'serve'
  let server: RedisServerProcess
  let subscriber: Subscriber
  const running: Composed[] = []
  before(async () => {
    server = await startRedisServer()
    subscriber = await startSubscriber()
  })
  after(async () => {
    for (const one of running) await one.stop()
    await subscriber?.stop()
    await server?.stop()
  })

  async function start(options: ComposedOptions = {}): Promise<Composed> {
    const one = await startComposed(server.url, { role, ...options })
    running.push(one)
    return one
  }
  async function call({ apiUrl, headers }: Composed, method: string, path: string, body?: object) {
    const answer = await fetch(`${apiUrl}/v1/subscriptions${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
  }

  it('go to this machine only where the configuration says so, and are seen by every process', async () => {
    const strict = await start()
    const refused = await call(strict, 'POST', '', { url: subscriber.url })
    assert.equal(refused.status, 422)
    assert.deepEqual(
      refused.body.errors.map(({ code }: { code: string }) => code),
      ['url-not-https', 'url-address-refused'],
    )

    const open = await start({ more: { outbound: { allow: ['127.0.0.0/8'], http: true } } })
    const created = await call(open, 'POST', '', { url: subscriber.url, types: ['tallyhook.subscription.*'] })
    assert.equal(created.status, 201)
    const { id } = created.body
    assert.equal((await call(strict, 'GET', `/${id}`)).body.url, new URL(subscriber.url).href)

    const tested = await call(open, 'POST', `/${id}/test`)
    assert.deepEqual([tested.body.delivered, tested.body.status], [true, 204])
    assert.equal(subscriber.got.at(-1)?.type, 'tallyhook.subscription.tested.v1')
    // What was registered under another configuration is looked at again when it is sent.
    const closed = await call(strict, 'POST', `/${id}/test`)
    assert.equal(closed.body.delivered, false)
    assert.match(closed.body.error, /^(not-https|address-refused)$/)

    assert.equal((await call(strict, 'PATCH', `/${id}`, { enabled: false })).body.enabled, false)
    assert.equal((await call(open, 'PATCH', `/${id}`, { enabled: true })).body.missed.length, 1)
    assert.equal((await call(strict, 'DELETE', `/${id}`)).status, 204)
    assert.equal((await call(open, 'GET', `/${id}`)).status, 404)
    const said = JSON.stringify(running.flatMap(({ logger }) => logger.lines))
    assert.ok(!said.includes(created.body.secret))
  })

  it('may name an account that is not configured any more', async () => {
    const one = await start()
    const { body } = await call(one, 'POST', '', { url: 'https://hooks.example', accounts: ['nobody'] })
    assert.equal(body.errors[0].code, 'unknown-account')
    await start({
      more: {
        accounts: [
          {
            id: 'old',
            provider: 'generic',
            currency: 'EUR',
            verify: { scheme: 'none', iKnow: true },
            translate: {
              reference: '/ref',
              amount: '/amount',
              status: '/status',
              statuses: { paid: 'succeeded' },
            },
          },
        ],
      },
    })
    const known = await call(one, 'POST', '', { url: 'https://hooks.example', accounts: ['old'] })
    assert.equal(known.status, 201)
  })
})
