import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { createTallyhookClient } from '../../src/client/index.ts'
import { newEvent } from '../support/client-events.ts'
import { type Example, runExample } from '../support/examples.ts'
import { createFolder, type Folder, type Program, readEvents } from '../support/program.ts'
import { until } from '../support/until.ts'
import { beneficiary, newReference } from '../support/zenospay.ts'

interface Booking {
  cursor: string
  event: string
  subject: string
  change: string
  booked: string
}

describe('the examples, against the built program', function () {
  this.timeout(120_000)
  let place: Folder
  let program: Program
  let running: Example[]
  before(async () => {
    place = createFolder()
    program = await place.start()
  })
  after(() => place.dispose())
  beforeEach(() => {
    running = []
  })
  afterEach(async () => {
    for (const one of running) await one.stop('SIGKILL').catch(() => {})
  })

  function run(name: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Example {
    const example = runExample(name, { place, program, args, env })
    running.push(example)
    return example
  }

  it('pay-batch pays a batch and waits for it, and pays nothing twice', async () => {
    const first = run('pay-batch.js', ['may-Success'])
    await first.said('batch.finished')
    assert.equal(await first.ended, 0)
    const again = run('pay-batch.js', ['may-Success'])
    assert.equal((await again.said('batch.registered')).id, (await first.said('batch.registered')).id)
    assert.equal(await again.ended, 0)
  })

  it('pay-batch says why a batch is refused', async () => {
    const refused = run('pay-batch.js', ['x y'])
    assert.equal((await refused.said('batch.refused')).code, 'invalid-request')
    assert.equal(await refused.ended, 1)
  })

  it('ledger books each transfer exactly once, killed and torn in between', async () => {
    const file = join(place.folder, 'books.ndjson')
    const bookings = (): Booking[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Booking)

    const first = run('ledger.js', [file])
    await run('pay-batch.js', ['june-Repeated']).ended
    await until('some bookings', () => first.count('transfer.booked') >= 2)
    await first.stop('SIGKILL')
    const before = bookings().length
    // As a crash in the middle of writing leaves it.
    appendFileSync(file, '{"cursor":"x","ev')

    const second = run('ledger.js', [file])
    assert.equal((await second.said('ledger.opened')).bookings, before)
    await run('pay-batch.js', ['july-Success']).ended
    const settled = async () => {
      const events = await readEvents(program.apiUrl, place.token())
      return events.filter(({ type }) => type === 'tallyhook.transfer.succeeded.v1').map(({ id }) => id)
    }
    const known = await settled()
    await until('the books', () => {
      const booked = new Set(bookings().map(({ event }) => event))
      return known.every((id) => booked.has(id))
    })
    assert.equal(await second.stop(), 0)
    const booked = bookings().map(({ event }) => event)
    assert.equal(new Set(booked).size, booked.length)
    assert.ok(booked.length > before)
  })

  it('subscriber subscribes itself, is sent what happens, in order, and takes its subscription back', async () => {
    const subscriber = run('subscriber.js')
    const { subscription } = await subscriber.said('ready')
    const client = createTallyhookClient({ baseUrl: program.apiUrl, token: place.token() })
    const tested = await client.subscriptions.test(String(subscription))
    assert.deepEqual([tested.delivered, tested.status], [true, 204])
    await subscriber.said('delivery.tested')
    const { id } = await client.transfers.create({
      account: 'zeno-sandbox',
      reference: newReference(),
      amount: { value: '25000.00', currency: 'IDR' },
      beneficiary,
    })
    await client.transfers.cancel(id)
    const handled = () => subscriber.lines.filter((line) => line.subject === id)
    await until('both events', () => handled().length === 2)
    assert.deepEqual(
      handled().map(({ type, outcome }) => [type, outcome]),
      [
        ['tallyhook.transfer.registered.v1', 'next'],
        ['tallyhook.transfer.cancelled.v1', 'next'],
      ],
    )
    assert.equal(await subscriber.stop(), 0)
    await assert.rejects(client.subscriptions.get(String(subscription)), { status: 404 })
  })

  it('subscriber takes what is signed, once', async () => {
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const subscriber = run('subscriber.js', [], { TALLYHOOK_SECRETS: secret })
    const { url } = await subscriber.said('ready')
    const deliver = async (by = secret) => {
      const event = newEvent('tr-1', 1)
      const body = JSON.stringify(event)
      const at = new Date()
      const headers = {
        'webhook-id': event.id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(by).sign(event.id, at, body),
      }
      return (await fetch(String(url), { method: 'POST', headers, body })).status
    }
    assert.deepEqual([await deliver(), await deliver()], [204, 204])
    assert.equal(await deliver(`whsec_${randomBytes(32).toString('base64')}`), 401)
    await subscriber.said('delivery.refused')
    assert.equal(subscriber.count('delivery.handled'), 1)
    assert.equal(await subscriber.stop(), 0)
  })
})
