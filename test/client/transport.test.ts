import assert from 'node:assert/strict'
import {
  createTallyhookClient,
  type NewTransfer,
  TallyhookError,
  type TransportOptions,
} from '../../src/client/index.ts'
import {
  type Answer,
  createTestPatience,
  cut,
  type FakeService,
  json,
  problem,
  startFakeService,
} from '../support/fake-service.ts'

const transfer: NewTransfer = {
  account: 'a',
  reference: 'r',
  amount: { value: '1.00', currency: 'EUR' },
  beneficiary: { bankCode: '1', accountNumber: '2', name: 'N' },
}

describe('the requests of the client', () => {
  let service: FakeService
  afterEach(() => service?.close())

  async function connect(answers: Answer[], options: Partial<TransportOptions> = {}) {
    service = await startFakeService(...answers)
    const patience = createTestPatience()
    return {
      patience,
      client: createTallyhookClient({ baseUrl: service.url, token: 't', patience, ...options }),
    }
  }

  const failed = (code: string, retryable: boolean) => (error: unknown) => {
    assert.ok(error instanceof TallyhookError, String(error))
    assert.deepEqual([error.code, error.retryable], [code, retryable])
    return true
  }

  it('are made again where that does no harm: a registration, and what only reads', async () => {
    const trouble = [cut, problem(503, 'redis-away'), json(502, '<html>')]
    for (const call of ['create', 'get'] as const) {
      const { client, patience } = await connect([...trouble, json(200, { id: 'tr-1' })])
      const found =
        call === 'create' ? await client.transfers.create(transfer) : await client.transfers.get('tr-1')
      assert.equal(found.id, 'tr-1')
      assert.equal(service.asked.length, 4)
      assert.deepEqual(patience.waited, [200, 400, 800])
      await service.close()
    }
  })

  it('are made once where they are not idempotent, whatever the answer was', async () => {
    for (const answer of [cut, problem(503, 'redis-away')]) {
      const { client } = await connect([answer])
      for (const call of [
        () => client.subscriptions.create({ url: 'https://x.example' }),
        () => client.subscriptions.rotate('s'),
        () => client.subscriptions.test('s'),
        () => client.subscriptions.resend('s', 'e'),
        () => client.subscriptions.replay('s', { missed: 'all' }),
        () => client.subscriptions.update('s', { enabled: true }),
      ]) {
        const before = service.asked.length
        await assert.rejects(call(), failed(answer === cut ? 'no-answer' : 'redis-away', false))
        assert.equal(service.asked.length, before + 1)
      }
      await service.close()
    }
  })

  it('are not made again for what will not pass', async () => {
    const { client } = await connect([problem(409, 'reference-conflict')])
    await assert.rejects(client.transfers.create(transfer), failed('reference-conflict', false))
    assert.equal(service.asked.length, 1)
  })

  it('keep to a budget, and to the time that the service names', async () => {
    const { client, patience } = await connect([problem(503, 'redis-away', {}, { 'retry-after': '8' })])
    await assert.rejects(client.transfers.get('x'), failed('redis-away', true))
    assert.deepEqual(patience.waited, [8000, 8000])
    const never = createTallyhookClient({ baseUrl: service.url, token: 't', retryBudgetMs: 0 })
    await assert.rejects(never.transfers.get('x'), failed('redis-away', true))
  })

  it('end when they take too long', async () => {
    const { client } = await connect([() => {}], { timeoutMs: 30, retryBudgetMs: 0 })
    await assert.rejects(client.transfers.get('x'), failed('timed-out', true))
    const slowBody: Answer = (response) => {
      response.writeHead(200)
      response.write('{')
    }
    await service.close()
    const slow = await connect([slowBody], { timeoutMs: 30, retryBudgetMs: 0 })
    await assert.rejects(slow.client.transfers.get('x'), failed('timed-out', true))
  })

  it('end with the caller’s own reason', async () => {
    const { client } = await connect([() => {}])
    const reason = new Error('Enough.')
    const controller = new AbortController()
    const call = client.transfers.get('x', { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(call, reason)
    await assert.rejects(client.transfers.get('x', { signal: AbortSignal.abort(reason) }), reason)
  })

  it('take a subscription that is gone at the second attempt for deleted', async () => {
    const { client } = await connect([cut, problem(404, 'not-found')])
    await client.subscriptions.delete('s')
    const missing = await service.close().then(() => connect([problem(404, 'not-found')]))
    await assert.rejects(missing.client.subscriptions.delete('s'), failed('not-found', false))
  })

  it('carry the token to their own address alone', async () => {
    const elsewhere = await startFakeService(json(200, {}))
    const { client } = await connect([
      (response) => response.writeHead(307, { location: elsewhere.url }).end(),
    ])
    await assert.rejects(client.transfers.create(transfer), failed('not-understood', false))
    assert.deepEqual(elsewhere.asked, [])
    await elsewhere.close()
  })

  it('ask for the token before each attempt', async () => {
    const tokens: string[] = []
    const answer: Answer = (response, request) => {
      tokens.push(String(request.headers.authorization))
      json(tokens.length < 2 ? 503 : 200, {})(response, request)
    }
    let asked = 0
    const { client } = await connect([answer], { token: () => `t${++asked}` })
    await client.transfers.get('x')
    assert.deepEqual(tokens, ['Bearer t1', 'Bearer t2'])
  })

  it('keep ids in their place in the path, and a path before `/v1`', async () => {
    service = await startFakeService(json(200, { items: [], next: null }))
    const client = createTallyhookClient({ baseUrl: `${service.url}/tallyhook/`, token: 't' })
    await client.transfers.get('../x?y=/z')
    await client.transfers.find('a&b', 'r=1')
    assert.deepEqual(service.asked, [
      'GET /tallyhook/v1/transfers/..%2Fx%3Fy%3D%2Fz',
      'GET /tallyhook/v1/transfers?account=a%26b&reference=r%3D1',
    ])
    for (const baseUrl of ['', 'localhost', 'ftp://x', 'http://u:p@x', 'http://x?y'])
      assert.throws(() => createTallyhookClient({ baseUrl, token: 't' }), TypeError)
  })
})
