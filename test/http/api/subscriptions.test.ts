import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import { Webhook } from 'standardwebhooks'
import type { SubscriptionId } from '../../../src/domain/ids.ts'
import {
  createdSubscriptionSchema,
  rotatedSubscriptionSchema,
  shownSubscriptionSchema,
  subscriptionListSchema,
} from '../../../src/http/api/subscription-present.ts'
import type { SendTest } from '../../../src/http/api/subscription-test.ts'
import { createSign } from '../../../src/workers/deliver/sign.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, ids, readLog, registerIn, type TestStore } from '../../support/store.ts'
import {
  createSubscriptionApi,
  type SubscriptionApi,
  type SubscriptionApiOptions,
} from '../../support/subscription-api.ts'
import { newReference } from '../../support/zenospay.ts'

const url = 'https://hooks.example/tallyhook'

describe('subscriptions over the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let api: SubscriptionApi
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    api = createSubscriptionApi(store)
  })
  after(() => clients.closeAll())

  const apiWith = (options: SubscriptionApiOptions) => createSubscriptionApi(store, options)
  async function create(fields: object = {}, from = api) {
    const { body } = await from.post('', { url, ...fields }).expect(201)
    return body as { id: SubscriptionId; secret: string; sequence: number; createdAt: string }
  }
  const namesOf = async (id: string) =>
    (await readLog(store)).flatMap((event) =>
      'subscription' in event && event.subscription.id === id ? [event.fact.name] : [],
    )
  const secretsOf = async (id: SubscriptionId) => {
    const found = await api.subscriptions.find(id)
    return found && api.subscriptions.openSecrets(found)
  }

  describe('creating', () => {
    it('answers with the resource, and with the secret this once', async () => {
      const asked = {
        url: 'https://Hooks.Example:443/tallyhook',
        types: ['tallyhook.transfer.*', 'tallyhook.case.opened.v1', 'tallyhook.transfer.*'],
        accounts: ['zeno', 'zeno'],
        description: 'The ledger',
      }
      const { body, headers } = await api.post('', asked).expect(201)
      createdSubscriptionSchema.strict().parse(body)
      const { id, secret, createdAt, updatedAt, ...rest } = body
      assert.deepEqual(rest, {
        url,
        description: 'The ledger',
        types: ['tallyhook.transfer.*', 'tallyhook.case.opened.v1'],
        accounts: ['zeno'],
        enabled: true,
        missed: [],
        createdBy: 'ledger',
        sequence: 1,
      })
      assert.equal(headers.location, `/v1/subscriptions/${id}`)
      assert.equal(Buffer.from(secret.slice('whsec_'.length), 'base64').length, 32)
      assert.deepEqual(await secretsOf(id), [secret])
      const { body: shown } = await api.get(`/${id}`).expect(200)
      assert.deepEqual(shown, { id, createdAt, updatedAt, ...rest })
      assert.deepEqual(await namesOf(id), ['created'])
    })

    it('begins at the end of the log, so that nothing that was before is sent and nothing after is missed', async () => {
      await registerIn(store, newReference())
      const end = await store.log.newest()
      const { id } = await create()
      assert.deepEqual((await api.subscriptions.find(id))?.live.from, end)
      const read = end.map((position, partition) => store.log.readPartition(partition, position, 10))
      const after = (await Promise.all(read)).flat()
      assert.deepEqual(
        after.map(({ event }) => 'subscription' in event && event.fact.name),
        ['created'],
      )
    })

    it('may begin disabled', async () => {
      const { body } = await api.post('', { url, disabled: true }).expect(201)
      assert.equal(body.enabled, false)
      assert.deepEqual(body.disabled, { because: 'by-person', at: body.createdAt, by: 'ledger' })
    })

    it('is refused beyond as many as there may be', async () => {
      const small = apiWith({ max: 1 })
      await create({}, small)
      const { body } = await small.post('', { url }).expect(409)
      assert.equal(body.code, 'too-many-subscriptions')
    })

    const bad: [string, object, string[]][] = [
      ['nothing', {}, ['url invalid-type']],
      ['a number for a URL', { url: 1 }, ['url invalid-type']],
      ['no URL', { url: 'hooks.example' }, ['url url-not-valid']],
      ['plain http', { url: 'http://hooks.example' }, ['url url-not-https']],
      ['a password', { url: 'https://a:b@hooks.example' }, ['url url-has-credentials']],
      ['a fragment', { url: 'https://hooks.example/#a' }, ['url url-has-fragment']],
      ['too long a URL', { url: `https://hooks.example/${'a'.repeat(2048)}` }, ['url url-too-long']],
      ['an address of ours', { url: 'https://[::ffff:10.0.0.1]/' }, ['url url-address-refused']],
      [
        'several at once',
        {
          url: 'http://2130706433/',
          types: ['tallyhook.transfer.*', 'nonsense'],
          accounts: ['zeno', 'nobody'],
        },
        [
          'url url-not-https',
          'url url-address-refused',
          'types[1] unknown-type',
          'accounts[1] unknown-account',
        ],
      ],
      ['a pattern in the middle', { url, types: ['tallyhook.*.succeeded.v1'] }, ['types[0] unknown-type']],
      [
        'a type without its version',
        { url, types: ['tallyhook.transfer.succeeded'] },
        ['types[0] unknown-type'],
      ],
      ['an empty type', { url, types: [''] }, ['types[0] unknown-type']],
      ['text for types', { url, types: 'tallyhook.*' }, ['types invalid-type']],
      ['too many types', { url, types: Array(101).fill('*') }, ['types too-big']],
      ['an account that is none', { url, accounts: [''] }, ['accounts[0] unknown-account']],
      ['two lines', { url, description: 'a\nb' }, ['description invalid-format']],
      ['too long a description', { url, description: 'a'.repeat(257) }, ['description too-big']],
      ['a secret of its own', { url, secret: `whsec_${'a'.repeat(32)}` }, ['secret unknown-field']],
      ['what is not known', { url, retries: 3 }, ['retries unknown-field']],
      ['a word for a truth', { url, disabled: 'yes' }, ['disabled invalid-type']],
    ]
    for (const [what, asked, faults] of bad) {
      it(`is refused with ${what}, and leaves nothing`, async () => {
        const { body } = await api.post('', asked).expect(422)
        assert.equal(body.code, 'invalid-request')
        assert.deepEqual(
          body.errors.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`),
          faults,
        )
        assert.deepEqual(await api.subscriptions.list(), [])
      })
    }

    it('is refused what is not an object, not JSON and not sent as JSON', async () => {
      await api.post('', []).expect(422)
      await api.call('post', '').set('content-type', 'application/json').send('{').expect(400)
      await api.call('post', '').set('content-type', 'text/plain').send('{}').expect(415)
      await api.post('').expect(422)
    })
  })

  describe('reading', () => {
    it('lists them oldest first, page by page, and never a secret', async () => {
      let now = 1_000
      const timed = apiWith({ clock: () => now++ })
      const made = []
      for (let i = 0; i < 5; i++) made.push(await create({}, timed))
      const first = (await api.get('?limit=2').expect(200)).body
      const second = (await api.get(`?limit=2&after=${first.next}`).expect(200)).body
      const third = (await api.get(`?limit=2&after=${second.next}`).expect(200)).body
      for (const page of [first, second, third]) subscriptionListSchema.strict().parse(page)
      const all = [first, second, third].flatMap(({ items }) => items)
      assert.deepEqual(
        all.map(({ id }) => id),
        made.map(({ id }) => id),
      )
      assert.equal(third.next, null)
      assert.doesNotMatch(JSON.stringify(all), /whsec|sealed|secret/)
    })

    it('is refused a page that is none', async () => {
      for (const query of ['?after=x', '?limit=0', '?limit=x', '?limit=1001', '?more=1', '?after='])
        await api.get(query).expect(422)
    })

    it('shows how the endpoint fares, once something was sent', async () => {
      const now = Date.parse('2026-05-12T08:00:00Z')
      const timed = apiWith({ clock: () => now })
      const { id } = await create({}, timed)
      assert.equal((await timed.get(`/${id}`)).body.health, undefined)
      const show = async (fields: object) => {
        await timed.endpoints.change(id, () => ({ failures: 0, subjects: [], opened: 0, ...fields }))
        const { body } = await timed.get(`/${id}`).expect(200)
        shownSubscriptionSchema.strict().parse(body)
        return body.health
      }
      assert.deepEqual(await show({ lastSuccessAt: now - 1_000 }), {
        state: 'ok',
        failures: 0,
        lastSuccessAt: '2026-05-12T07:59:59.000Z',
      })
      const failing = {
        failures: 10,
        failingSince: now - 5_000,
        lastFailure: { at: now - 1_000, tookMs: 3, status: 500, error: 'status', excerpt: 'no' },
      }
      const shown = {
        failures: 10,
        failingSince: '2026-05-12T07:59:55.000Z',
        lastFailure: { at: '2026-05-12T07:59:59.000Z', status: 500, error: 'status' },
      }
      assert.deepEqual(await show(failing), { state: 'failing', ...shown })
      assert.deepEqual(await show({ ...failing, openUntil: now + 5_000 }), {
        state: 'open',
        ...shown,
        openUntil: '2026-05-12T08:00:05.000Z',
      })
      assert.equal((await show({ ...failing, openUntil: now }))?.state, 'failing')
    })
  })

  describe('changing', () => {
    it('changes what is named alone', async () => {
      const { id } = await create({ description: 'The ledger', types: ['tallyhook.case.*'] })
      const { body } = await api.patch(`/${id}`, { url: 'https://b.example', accounts: ['wx'] }).expect(200)
      assert.deepEqual(
        [body.url, body.accounts, body.types, body.description, body.sequence],
        ['https://b.example/', ['wx'], ['tallyhook.case.*'], 'The ledger', 2],
      )
      const cleared = (await api.patch(`/${id}`, { description: null, types: [] }).expect(200)).body
      assert.deepEqual([cleared.description, cleared.types, cleared.sequence], [undefined, [], 3])
    })

    it('publishes nothing where nothing changes', async () => {
      const { id } = await create()
      for (const asked of [{}, { url }, { enabled: true }, { types: [], reason: 'to be sure' }])
        assert.equal((await api.patch(`/${id}`, asked).expect(200)).body.sequence, 1)
      assert.deepEqual(await namesOf(id), ['created'])
    })

    it('holds both of two changes at once', async () => {
      const { id } = await create()
      await Promise.all([
        api.patch(`/${id}`, { url: 'https://b.example' }).expect(200),
        api.patch(`/${id}`, { description: 'The ledger' }).expect(200),
      ])
      const { body } = await api.get(`/${id}`)
      assert.deepEqual([body.url, body.description, body.sequence], ['https://b.example/', 'The ledger', 3])
    })

    it('forgets what an endpoint failed of before, when the URL is another', async () => {
      const { id } = await create()
      await api.endpoints.change(id, () => ({ failures: 3, subjects: [], opened: 0 }))
      await api.patch(`/${id}`, { description: 'The ledger' }).expect(200)
      assert.ok(await api.endpoints.find(id))
      await api.patch(`/${id}`, { url: 'https://b.example' }).expect(200)
      assert.equal(await api.endpoints.find(id), undefined)
    })

    const bad: [object, string[]][] = [
      [{ url: 'https://localhost' }, ['url url-address-refused']],
      [{ url: null }, ['url invalid-type']],
      [{ types: ['x'] }, ['types[0] unknown-type']],
      [{ accounts: ['nobody'] }, ['accounts[0] unknown-account']],
      [{ missed: 'send' }, ['missed not-enabling']],
      [{ missed: 'send', enabled: false }, ['missed not-enabling']],
      [{ missed: 'all', enabled: true }, ['missed invalid-value']],
      [{ reason: 'Moved.' }, ['reason no-change']],
      [{ enabled: 'yes' }, ['enabled invalid-type']],
      [{ reason: 'a\nb' }, ['reason invalid-format', 'reason no-change']],
      [{ id: 'su-x' }, ['id unknown-field']],
      [{ disabled: true }, ['disabled unknown-field']],
      [{ secret: 'whsec_x' }, ['secret unknown-field']],
    ]
    for (const [asked, faults] of bad) {
      it(`is refused ${JSON.stringify(asked)}`, async () => {
        const { id } = await create()
        const { body } = await api.patch(`/${id}`, asked).expect(422)
        assert.deepEqual(
          body.errors.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`),
          faults,
        )
        assert.deepEqual(await namesOf(id), ['created'])
      })
    }
  })

  describe('disabling and enabling', () => {
    it('says why it is disabled, and who did it', async () => {
      const { id } = await create()
      const { body } = await api.patch(`/${id}`, { enabled: false, reason: 'Moving house.' }).expect(200)
      assert.equal(body.enabled, false)
      assert.deepEqual(
        { ...body.disabled, at: '' },
        { because: 'by-person', by: 'ledger', reason: 'Moving house.', at: '' },
      )
      assert.equal((await api.patch(`/${id}`, { enabled: false }).expect(200)).body.sequence, 2)
    })

    it('ends the replays that run, so that they do not go on with the enabling', async () => {
      const { id } = await create()
      const end = await store.log.newest()
      const run = ids.runId()
      await api.replays.add({
        id: run,
        subscription: id,
        from: end,
        until: end,
        count: 0,
        by: 'ledger',
        at: 1,
      })
      await api.patch(`/${id}`, { enabled: false }).expect(200)
      assert.equal((await api.replays.find(id, run))?.ended?.because, 'disabled')
    })

    async function disabledAndBehind() {
      const { id } = await create()
      const before = await api.subscriptions.find(id)
      assert.ok(before)
      await api.patch(`/${id}`, { enabled: false }).expect(200)
      await registerIn(store, newReference())
      return { id, live: before.live }
    }

    it('goes on where it stood, with `send`', async () => {
      const { id, live } = await disabledAndBehind()
      const { body } = await api.patch(`/${id}`, { enabled: true, missed: 'send' }).expect(200)
      assert.deepEqual([body.enabled, body.missed], [true, []])
      assert.deepEqual((await api.subscriptions.find(id))?.live, live)
      assert.deepEqual(await api.runs.waiting(0), [live.run], 'It is looked at now.')
    })

    it('begins at the end of the log with `skip`, which is what happens where nothing is said, and notes what it missed', async () => {
      const { id, live } = await disabledAndBehind()
      const partition = 1
      const read = { partition, run: live.run }
      const from = { position: live.from[partition] ?? '', subscription: id }
      const cursor = await api.runs.claim(read, undefined, from)
      assert.ok(cursor)
      await api.runs.commitPage(read, cursor, '5-5', { subscription: id, lines: [], notes: [], at: 1 })
      const end = await store.log.newest()
      const { body } = await api.patch(`/${id}`, { enabled: true, reason: 'Moved.' }).expect(200)
      assert.equal(body.missed.length, 1)
      const after = await api.subscriptions.find(id)
      assert.notEqual(after?.live.run, live.run)
      assert.deepEqual(after?.live.from, end)
      assert.deepEqual(after?.missed[0]?.until, end)
      assert.deepEqual(
        after?.missed[0]?.from,
        live.from.map((position, i) => (i === partition ? '5-5' : position)),
      )
      assert.deepEqual(await namesOf(id), ['created', 'disabled', 'enabled'])
    })

    it('changes and enables in one step, with an event of each', async () => {
      const { id } = await disabledAndBehind()
      await api.endpoints.change(id, () => ({ failures: 3, subjects: [], opened: 0 }))
      const asked = { url: 'https://b.example', enabled: true, missed: 'send' }
      assert.equal((await api.patch(`/${id}`, asked).expect(200)).body.sequence, 4)
      assert.deepEqual(await namesOf(id), ['created', 'disabled', 'changed', 'enabled'])
      assert.equal(await api.endpoints.find(id), undefined)
    })

    it('is enabled once by two who enable it at once', async () => {
      const { id } = await disabledAndBehind()
      const answers = await Promise.all([
        api.patch(`/${id}`, { enabled: true }),
        api.patch(`/${id}`, { enabled: true }),
      ])
      for (const { status, body } of answers) {
        assert.ok(status === 200 || body.code === 'commit-contended', `${status}`)
        if (status === 200) assert.equal(body.missed.length, 1)
      }
      assert.deepEqual(await namesOf(id), ['created', 'disabled', 'enabled'])
    })
  })

  describe('rotating', () => {
    it('gives another secret, and both sign until the overlap is over', async () => {
      const { id, secret } = await create()
      const { body } = await api.post(`/${id}/rotate`).expect(200)
      rotatedSubscriptionSchema.strict().parse(body)
      assert.notEqual(body.secret, secret)
      assert.deepEqual(await secretsOf(id), [body.secret, secret])
      const overlapMs = Date.parse(body.overlapUntil) - Date.parse(body.updatedAt)
      assert.equal(overlapMs, 24 * 3_600_000)
    })

    it('ends the old one at once where there is to be no overlap', async () => {
      const { id } = await create()
      const { body } = await api.post(`/${id}/rotate`, { overlapHours: 0 }).expect(200)
      assert.deepEqual(await secretsOf(id), [body.secret])
      assert.equal(body.overlapUntil, undefined)
    })

    const own = (bytes: number) =>
      `whsec_${Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 37) % 256)).toString('base64')}`

    it('takes a secret of one’s own, and the same call again is the same rotation', async () => {
      const { id, secret } = await create()
      for (let i = 0; i < 2; i++) {
        const { body } = await api.post(`/${id}/rotate`, { secret: own(24) }).expect(200)
        assert.deepEqual([body.secret, body.sequence], [own(24), 2])
      }
      assert.deepEqual(await secretsOf(id), [own(24), secret])
      const { body } = await api.post(`/${id}/rotate`, { secret }).expect(422)
      assert.equal(body.errors[0].code, 'secret-in-use')
    })

    it('ends the older ones sooner when it comes again with a shorter overlap', async () => {
      const { id, secret } = await create()
      await api.post(`/${id}/rotate`, { secret: own(24) }).expect(200)
      assert.deepEqual(await secretsOf(id), [own(24), secret])
      const { body } = await api.post(`/${id}/rotate`, { secret: own(24), overlapHours: 0 }).expect(200)
      assert.deepEqual([body.sequence, body.overlapUntil], [3, undefined])
      assert.deepEqual(await secretsOf(id), [own(24)])
    })

    it('leaves one of two that come at once, and both secrets of the answers sign', async () => {
      const { id } = await create()
      const answers = await Promise.all([api.post(`/${id}/rotate`), api.post(`/${id}/rotate`)])
      const secrets = await secretsOf(id)
      for (const { body } of answers) assert.ok(secrets?.includes(body.secret))
    })

    const standard = own(32).slice('whsec_'.length)
    const bad: object[] = [
      { secret: '' },
      { secret: standard },
      { secret: own(23) },
      { secret: own(65) },
      { secret: `whsec_${standard.replaceAll('=', '')}` },
      { secret: `whsec_ ${standard}` },
      { secret: `whsec_${'-_'.repeat(20)}` },
      { secret: `whsec_${Buffer.alloc(32).toString('base64')}` },
      { secret: 7 },
      { overlapHours: -1 },
      { overlapHours: 169 },
      { overlapHours: 1.5 },
      { overlapHours: '24' },
      { hours: 24 },
    ]
    for (const asked of bad) {
      it(`is refused ${JSON.stringify(asked)}`, async () => {
        const { id, secret } = await create()
        const { body } = await api.post(`/${id}/rotate`, asked).expect(422)
        assert.equal(body.errors.length, 1)
        assert.deepEqual(await secretsOf(id), [secret])
        assert.ok(
          !('secret' in asked) || asked.secret === '' || !JSON.stringify(body).includes(String(asked.secret)),
        )
      })
    }
  })

  describe('testing', () => {
    const attempt = { tookMs: 12.4, status: 200 }

    it('sends an event that is signed by every secret and is not in the log', async () => {
      const sent: Parameters<SendTest>[] = []
      const testing = apiWith({
        async send(...args) {
          sent.push(args)
          return { outcome: 'taken', attempt }
        },
      })
      const { id, secret } = await create({ disabled: true }, testing)
      const rotated = (await testing.post(`/${id}/rotate`)).body.secret
      const { body } = await testing.post(`/${id}/test`).expect(200)
      assert.deepEqual(body, { delivered: true, status: 200, latencyMs: 12 })
      const [endpoint, event] = sent[0] ?? []
      assert.deepEqual(endpoint, { url, secrets: [rotated, secret] })
      const told = JSON.parse(event?.json ?? '')
      assert.deepEqual(
        [told.id, told.type, told.subject, told.data.object.id, told.data.because, told.sequence],
        [
          event?.id,
          'tallyhook.subscription.tested.v1',
          id,
          id,
          { source: 'operator', by: 'ledger' },
          undefined,
        ],
      )
      assert.doesNotMatch(event?.json ?? '', /whsec|sealed|secret/)
      assert.deepEqual(await namesOf(id), ['created', 'changed'])
      await testing.post(`/${id}/test`).expect(200)
      assert.notEqual(sent[1]?.[1].id, event?.id, 'Each test is an event of its own.')
    })

    it('tells what went wrong, and changes nothing', async () => {
      const failing = apiWith({
        send: async () => ({
          outcome: 'failed',
          attempt: { tookMs: 3, status: 410, error: 'status', excerpt: 'gone' },
        }),
      })
      const { id } = await create({}, failing)
      const { body } = await failing.post(`/${id}/test`).expect(200)
      assert.deepEqual(body, {
        delivered: false,
        status: 410,
        error: 'status',
        latencyMs: 3,
        excerpt: 'gone',
      })
      assert.deepEqual(await namesOf(id), ['created'])
      assert.equal(await failing.endpoints.find(id), undefined)
    })

    it('ends when whoever asked has left', async () => {
      let ended = () => {}
      const over = new Promise<void>((resolve) => {
        ended = resolve
      })
      let began = () => {}
      const under = new Promise<void>((resolve) => {
        began = resolve
      })
      const hanging = apiWith({
        send: (_, __, signal) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              ended()
              resolve({ outcome: 'given-up' })
            })
            began()
          }),
      })
      const { id } = await create({}, hanging)
      const asked = hanging.post(`/${id}/test`)
      asked.end(() => {})
      await under
      asked.abort()
      await over
    })

    it('is verified by the library that subscribers use', async () => {
      let got: { headers: IncomingHttpHeaders; body: string } | undefined
      const endpoint = createServer((req, res) => {
        const chunks: Buffer[] = []
        req.on('data', (chunk) => chunks.push(chunk))
        req.on('end', () => {
          got = { headers: req.headers, body: Buffer.concat(chunks).toString() }
          res.end()
        })
      }).listen(0, '127.0.0.1')
      await once(endpoint, 'listening')
      const sign = createSign()
      const real = apiWith({
        async send({ secrets }, { id, json }) {
          const at = Date.now()
          const { port } = endpoint.address() as AddressInfo
          const { status } = await fetch(`http://127.0.0.1:${port}`, {
            method: 'POST',
            body: json,
            headers: {
              'webhook-id': id,
              'webhook-timestamp': String(Math.floor(at / 1000)),
              'webhook-signature': sign(secrets, { id, at, body: json }),
            },
          })
          return { outcome: 'taken', attempt: { tookMs: 1, status } }
        },
      })
      const { id, secret } = await create({}, real)
      const { body } = await real.post(`/${id}/rotate`)
      await real.post(`/${id}/test`).expect(200)
      endpoint.close()
      assert.ok(got)
      for (const one of [secret, body.secret])
        new Webhook(one).verify(got.body, got.headers as Record<string, string>)
    })
  })

  describe('deleting', () => {
    it('takes it away, and says so in the log', async () => {
      const { id } = await create()
      await api.delete(`/${id}`).expect(204)
      assert.deepEqual(await namesOf(id), ['created', 'deleted'])
      for (const sent of [
        api.get(`/${id}`),
        api.patch(`/${id}`, {}),
        api.delete(`/${id}`),
        api.post(`/${id}/rotate`),
        api.post(`/${id}/test`),
      ]) {
        assert.equal((await sent.expect(404)).body.code, 'not-found')
      }
    })
  })

  describe('who asks', () => {
    it('needs a token with the scope, for every call', async () => {
      const { id } = await create()
      const calls = (token: string) => [
        api.get('', token),
        api.post('', { url }, token),
        api.get(`/${id}`, token),
        api.patch(`/${id}`, {}, token),
        api.delete(`/${id}`, token),
        api.post(`/${id}/rotate`, {}, token),
        api.post(`/${id}/test`, {}, token),
      ]
      for (const sent of calls('reader')) assert.equal((await sent.expect(403)).body.code, 'missing-scope')
      for (const sent of calls('nobody')) await sent.expect(401)
      assert.deepEqual(await namesOf(id), ['created'])
    })

    it('is told of ids and methods that are none', async () => {
      const { id } = await create()
      for (const path of [
        '/x',
        '/su-x',
        `/${ids.subscriptionId()}`,
        `/${id}x`,
        '/tr-00000000000000000000000000',
      ])
        await api.get(path).expect(404)
      assert.equal((await api.call('put', `/${id}`).expect(405)).headers.allow, 'GET, HEAD, PATCH, DELETE')
      assert.equal((await api.delete('').expect(405)).headers.allow, 'GET, HEAD, POST')
      await api.get(`/${id}/rotate`).expect(405)
      await api.get(`/${id}/test`).expect(405)
    })
  })

  it('never logs a secret, a URL or a description', async () => {
    const { id, secret } = await create({ url: `${url}?token=abc`, description: 'The ledger' })
    const { body } = await api.post(`/${id}/rotate`)
    await api.patch(`/${id}`, { enabled: false, reason: 'Moving house.' })
    await api.patch(`/${id}`, { enabled: true })
    await api.post(`/${id}/test`)
    await api.delete(`/${id}`)
    const said = JSON.stringify(api.logger.lines)
    for (const text of [secret, body.secret, 'hooks.example', 'abc', 'The ledger'])
      assert.ok(!said.includes(text), text)
    const events = api.logger.lines
      .map(({ event }) => event)
      .filter((event) => event.startsWith('subscription.'))
    assert.deepEqual(events, [
      'subscription.created',
      'subscription.rotated',
      'subscription.disabled',
      'subscription.enabled',
      'subscription.deleted',
    ])
  })
})
