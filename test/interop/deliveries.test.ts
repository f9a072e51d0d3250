/** What we send, read by other people's code: Standard Webhooks' own library, Svix's, and the SDK of CloudEvents. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { CloudEvent, HTTP } from 'cloudevents'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { cloudEventSchema, eventTypes } from '../../src/events/catalogue.ts'
import { makeTestEvent, testEventSchema, testEventType } from '../../src/events/test-event.ts'
import { aSubscription, eventOfEachType } from '../support/event-of-each-type.ts'
import { createTestSender, otherSecret, testSecret } from '../support/sending.ts'
import { type Got, type Subscriber, startSubscriber } from '../support/subscriber.ts'

const never = new AbortController().signal

describe('deliveries, read by other packages', () => {
  let subscriber: Subscriber
  const { send, close } = createTestSender()

  before(async () => {
    subscriber = await startSubscriber()
  })
  after(async () => {
    close()
    await subscriber.stop()
  })

  async function deliver(event: { id: string; json: string }, secrets = [testSecret]): Promise<Got> {
    const { outcome } = await send({ url: subscriber.url, secrets }, event, never)
    assert.equal(outcome, 'taken')
    return subscriber.got.at(-1) ?? assert.fail('Nothing came.')
  }

  const deliverAll = async (secrets?: string[]) => {
    const events = [
      ...eventOfEachType().map((event) => ({ id: event.id, json: JSON.stringify(event) })),
      makeTestEvent(aSubscription, { by: 'ledger', at: Date.now(), id: '1' }),
    ]
    const got: Got[] = []
    for (const event of events) got.push(await deliver(event, secrets))
    return got
  }

  it('are of every type that there is', async () => {
    const types = new Set((await deliverAll()).map(({ type }) => type))
    assert.deepEqual([...types].sort(), [...eventTypes, testEventType].sort())
  })

  for (const [name, verify] of Object.entries({
    standardwebhooks: (secret: string, got: Got) => new StandardWebhook(secret).verify(got.body, got.headers),
    svix: (secret: string, got: Got) => new SvixWebhook(secret).verify(got.body, got.headers),
    'a few lines of our own': verifyByHand,
  })) {
    it(`are genuine to ${name}, and nothing else is`, async () => {
      for (const got of await deliverAll()) {
        verify(testSecret, got)
        assert.throws(() => verify(otherSecret, got))
        assert.throws(() => verify(testSecret, { ...got, body: `${got.body} ` }))
        assert.throws(() => verify(testSecret, { ...got, headers: { ...got.headers, 'webhook-id': 'ev-x' } }))
      }
    })

    it(`are genuine to ${name} by either secret during a rotation`, async () => {
      for (const got of await deliverAll([otherSecret, testSecret])) {
        verify(testSecret, got)
        verify(otherSecret, got)
      }
    })
  }

  it('are CloudEvents, to their SDK at its strictest, and the same read back as written', async () => {
    for (const { body, headers, type } of await deliverAll()) {
      const parsed = HTTP.toEvent({ headers, body })
      assert.ok(!Array.isArray(parsed))
      const event = new CloudEvent(JSON.parse(body), true)
      assert.ok(event.validate())
      assert.deepEqual(JSON.parse(JSON.stringify(parsed)), JSON.parse(JSON.stringify(event)))
      const { data, ...attributes } = JSON.parse(body)
      assert.deepEqual(event.data, data)
      for (const [name, value] of Object.entries(attributes)) {
        assert.match(name, /^[a-z0-9]{1,20}$/)
        assert.equal(event[name], value, name)
        if (typeof value === 'number') assert.ok(Number.isInteger(value) && Math.abs(value) < 2 ** 31, name)
      }
      assert.equal(event.type, type)
      assert.ok(!Number.isNaN(Date.parse(event.time ?? '')))
    }
  })

  it('are what our own schemas say', async () => {
    for (const { body, type } of await deliverAll()) {
      if (type === testEventType) testEventSchema.parse(JSON.parse(body))
      else cloudEventSchema.parse(JSON.parse(body))
    }
  })

  it('bear the id of the event, the same with each attempt', async () => {
    const event = makeTestEvent(aSubscription, { by: 'ledger', at: 0, id: 'x' })
    for (const got of [await deliver(event), await deliver(event)]) {
      assert.equal(got.id, `ev-${aSubscription.id}-test-x`)
      assert.equal(JSON.parse(got.body).id, got.id)
    }
  })
})

/** By the words of the specification alone. */
function verifyByHand(secret: string, { headers, body }: Got): void {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  assert.ok(headers['webhook-signature']?.split(' ').includes(expected))
  assert.ok(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 60)
}
