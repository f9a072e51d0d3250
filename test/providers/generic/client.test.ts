import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Call, CallRequest, Client, Endpoint, Exchange } from '../../../src/providers/client.ts'
import { createGeneric } from '../../../src/providers/generic/index.ts'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import { acmeTranslate, acmeVerify, declare, noFetch } from '../../support/generic.ts'
import { sightingOf } from '../../support/translation.ts'

type Draft = Record<string, unknown>

const url = 'https://api.acme.example/payouts/{reference}?expand=all'

const payout = (fields: Draft = {}) => ({
  data: { ref: 'r-1', id: 'px-1', amount: '25.00', currency: 'EUR', status: 'paid', ...fields },
})

interface World {
  client: Client
  provider: AccountProvider
  endpoint: Endpoint
  sent: CallRequest[]
}

/** A provider that answers every request alike. */
function createWorld(
  answer: Exchange | ((request: CallRequest) => Exchange),
  query: Draft = {},
  fields: Draft = {},
): World {
  const sent: CallRequest[] = []
  const endpoints: Endpoint[] = []
  const call: Call = async (request) => {
    sent.push(request)
    return typeof answer === 'function' ? answer(request) : answer
  }
  const account = declare(acmeVerify, { query: { url, ...query }, ...fields })
  const connectTo = (endpoint: Endpoint) => {
    endpoints.push(endpoint)
    return call
  }
  const provider = createGeneric(account, { fetch: noFetch, connectTo })
  const [endpoint] = endpoints
  assert.ok(provider.client && endpoint)
  return { client: provider.client, provider, endpoint, sent }
}

const answered = (body: unknown, status = 200): Exchange => ({
  outcome: 'answered',
  status,
  header: () => undefined,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})

const ask = ({ client }: World, reference = 'r-1') => client.ask({ call: 'transfer', reference })
const outcomeOf = async (...args: Parameters<typeof createWorld>) => (await ask(createWorld(...args))).outcome

describe('the client of a generic account', () => {
  it('asks about a transfer, and makes its answer an observation that can be read again', async () => {
    const world = createWorld(answered(payout()), { headers: { Authorization: 'Bearer t-1' } })
    const result = await ask(world)
    assert.ok(result.outcome === 'answered')
    const [part, ...more] = result.parts
    assert.ok(part)
    assert.equal(more.length, 0)
    assert.deepEqual(part.asked, { source: 'query', call: 'transfer', status: 200, reference: 'r-1' })
    assert.deepEqual([part.keyId, part.headers], ['', {}])
    assert.deepEqual(sightingOf(world.provider.translate(part.body, part.asked), 'transfer'), {
      kind: 'transfer',
      source: 'query',
      account: 'acme',
      reference: 'r-1',
      providerReference: 'px-1',
      status: 'succeeded',
      amount: { minor: 2500n, currency: 'EUR' },
    })
    const [request] = world.sent
    assert.deepEqual(request?.headers(), { accept: 'application/json', authorization: 'Bearer t-1' })
    const { method, path, body, repeatable, bucket } = request ?? {}
    assert.deepEqual(
      { method, path, body, repeatable, bucket },
      { method: 'GET', path: '/payouts/r-1?expand=all', body: undefined, repeatable: true, bucket: 'query' },
    )
  })

  it('keeps to the limits of the account', () => {
    const { endpoint } = createWorld(answered({}))
    assert.deepEqual(endpoint, {
      account: 'acme',
      baseUrl: 'https://api.acme.example',
      limits: [{ bucket: 'query', count: 10, perMs: 1000 }],
      timeoutMs: 15_000,
    })
    const calls = { perSecond: 2, timeoutSeconds: 3 }
    const other = createWorld(answered({}), {}, { calls }).endpoint
    assert.deepEqual([other.limits[0]?.count, other.timeoutMs], [2, 3_000])
  })

  it('reads an answer by pointers of its own, where it has some', async () => {
    const translate = { ...acmeTranslate, reference: '/0/ref', amount: '/0/sum', status: '/0/state' }
    const { providerReference: _, currency: __, occurredAt: ___, ...own } = translate
    const world = createWorld(answered([{ ref: 'r-1', sum: '1.00', state: 'rejected' }]), { translate: own })
    const result = await ask(world)
    assert.ok(result.outcome === 'answered')
    const [part] = result.parts
    assert.ok(part)
    const seen = sightingOf(world.provider.translate(part.body, part.asked), 'transfer')
    assert.deepEqual([seen.status, seen.source], ['failed', 'query'])
    const callback = world.provider.translate(Buffer.from(JSON.stringify(payout())))
    assert.equal(sightingOf(callback, 'transfer').source, 'callback', 'callbacks are read as before')
  })

  it('reads an answer that is no token, where callbacks are tokens', async () => {
    const verify = { scheme: 'jws', algorithms: ['HS256'], secrets: ['an-honest-32-byte-or-longer-value-1'] }
    assert.equal(await outcomeOf(answered(payout()), {}, { verify }), 'answered')
  })

  it('takes what is not there for not known, and no more than that', async () => {
    assert.equal(await outcomeOf(answered('<h1>gone</h1>', 404)), 'not-known')
    assert.equal(await outcomeOf(answered({}, 410)), 'unknown')
    const statuses = { notFound: { statuses: [410, 422] } }
    assert.equal(await outcomeOf(answered({}, 422), statuses), 'not-known')
    assert.equal(await outcomeOf(answered({}, 404), statuses), 'unknown')
    const found = { found: '/data' }
    for (const body of [{}, { data: null }, []])
      assert.equal(await outcomeOf(answered(body), found), 'not-known')
    assert.equal(await outcomeOf(answered(payout()), found), 'answered')
    assert.equal(await outcomeOf(answered('oops'), found), 'unknown')
    assert.equal(await outcomeOf(answered({}, 500), found), 'unknown')
  })

  const unknown: [string, Exchange][] = [
    ['an answer that is not JSON', answered('<h1>hello</h1>')],
    ['no body', answered('')],
    ['another form', answered({ ref: 'r-1' })],
    ['a status that nobody declared', answered(payout({ status: 'limbo' }))],
    ['an amount that cannot be read', answered(payout({ amount: '25.001' }))],
    ['another reference', answered(payout({ ref: 'r-2' }))],
    ['no authority', answered(payout(), 401)],
    ['too much asked', answered(payout(), 429)],
    ['a redirect', answered(payout(), 302)],
    ['trouble over there', answered(payout(), 503)],
    ['more than a callback may have', answered(payout({ more: 'x'.repeat(256 * 1024) }))],
    ['a time-out', { outcome: 'unknown', because: 'It took too long.' }],
  ]
  for (const [title, exchange] of unknown) {
    it(`takes ${title} for no answer`, async () => {
      const result = await ask(createWorld(exchange))
      assert.ok(result.outcome === 'unknown')
      assert.ok(!/limbo|25\.001|r-2/.test(result.because), 'it is written to the log')
    })
  }

  it('hands on that nothing was sent', async () => {
    const unsent = { outcome: 'unsent', because: 'Too many at once.', retryInMs: 250 } as const
    assert.deepEqual(await ask(createWorld(unsent)), unsent)
  })

  it('orders nothing, and asks about nothing else', async () => {
    const world = createWorld(answered(payout()))
    assert.deepEqual([[...world.client.orders], [...world.client.questions]], [[], ['transfer']])
    assert.equal((await world.client.ask({ call: 'batch', reference: 'r-1' })).outcome, 'unsent')
    const order = { call: 'pay', reference: 'r-1', reservation: 'x', force: false } as const
    assert.equal((await world.client.order(order)).outcome, 'unsent')
    assert.deepEqual(world.sent, [])
  })

  const references = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((n) => String.fromCharCode(n)),
    minLength: 1,
    maxLength: 128,
  })

  it('puts any reference into a URL so that it comes out the same, and leads nowhere else', () =>
    fc.assert(
      fc.asyncProperty(references, async (reference) => {
        const world = createWorld(answered({}, 404), {
          url: 'https://acme.example/a/{reference}/b?ref={reference}&x=1',
        })
        const { outcome } = await ask(world, reference)
        if (outcome === 'unsent') return assert.match(reference, /^\.\.?$/)
        const { pathname, searchParams } = new URL(`https://acme.example${world.sent[0]?.path}`)
        assert.deepEqual(pathname.split('/').map(decodeURIComponent), ['', 'a', reference, 'b'])
        assert.deepEqual(
          [...searchParams],
          [
            ['ref', reference],
            ['x', '1'],
          ],
        )
        assert.match(world.sent[0]?.path ?? '', /^[\w\-.~%/?&=]+$/)
      }),
    ))

  it('does not ask about a reference that would lead to another path', async () => {
    for (const reference of ['.', '..']) {
      const world = createWorld(answered(payout()), { url: 'https://acme.example/a/{reference}' })
      assert.equal((await ask(world, reference)).outcome, 'unsent')
      assert.deepEqual(world.sent, [])
    }
  })

  it('puts any reference into JSON and into a form', () =>
    fc.assert(
      fc.asyncProperty(references, async (reference) => {
        const post = { method: 'POST', url: 'https://acme.example/find' }
        const json = createWorld(answered({}, 404), {
          ...post,
          body: '{"by": {"ref": "{reference}"}, "n": 1}',
        })
        await ask(json, reference)
        assert.deepEqual(JSON.parse(json.sent[0]?.body ?? ''), { by: { ref: reference }, n: 1 })
        assert.equal(json.sent[0]?.headers()['content-type'], 'application/json')
        const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
        const form = createWorld(answered({}, 404), { ...post, headers, body: 'n=1&ref={reference}' })
        await ask(form, reference)
        assert.deepEqual(
          [...new URLSearchParams(form.sent[0]?.body)],
          [
            ['n', '1'],
            ['ref', reference],
          ],
        )
      }),
    ))
})
