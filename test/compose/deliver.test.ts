import assert from 'node:assert/strict'
import { type Composed, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { loopback } from '../support/sending.ts'
import { type Subscriber, startSubscriber } from '../support/subscriber.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

describe('deliveries of the composed program', function () {
  this.timeout(60_000)
  let redis: RedisServerProcess
  let tallyhook: Composed
  let subscriber: Subscriber

  beforeEach(async () => {
    redis = await startRedisServer()
    subscriber = await startSubscriber()
    tallyhook = await startComposed(redis.url, { outbound: { allow: loopback, http: true } })
  })
  afterEach(async () => {
    await subscriber.stop()
    await redis.stop()
  })

  const metric = async (name: string) => {
    const text = await (await fetch(`${tallyhook.apiUrl}/metrics`)).text()
    return text.split('\n').find((line) => line.startsWith(name))
  }

  it('an event is pushed soon after its callback; the figures say so; a stop is clean', async () => {
    const { apiUrl, headers } = tallyhook
    const body = JSON.stringify({ url: subscriber.url, types: ['tallyhook.transfer.*'] })
    const made = await fetch(`${apiUrl}/v1/subscriptions`, { method: 'POST', headers, body })
    assert.equal(made.status, 201)
    const reference = newReference()
    await tallyhook.register(reference)
    await tallyhook.callBack(reference)
    await until('both events', () => subscriber.taken.length === 2)
    assert.deepEqual(
      subscriber.taken.map(({ type, sequence }) => [type, sequence]),
      [
        ['tallyhook.transfer.registered.v1', 1],
        ['tallyhook.transfer.succeeded.v1', 2],
      ],
    )
    await until('the count', async () =>
      (await metric('tallyhook_deliveries_total'))?.endsWith('outcome="delivered"} 2'),
    )
    assert.match((await metric('tallyhook_delivery_lag_seconds')) ?? '', / \d/)
    assert.equal(await tallyhook.stop(), true)
    assert.deepEqual(
      tallyhook.logger.lines.filter(({ level }) => level === 'error'),
      [],
    )
  })
})
