import assert from 'node:assert/strict'
import { createHash, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Call, ConnectTo } from '../../../src/providers/client.ts'
import { digestBody } from '../../../src/providers/digest.ts'
import type { ZenospayCredentials } from '../../../src/providers/zenospay/account.ts'
import { createZenospay } from '../../../src/providers/zenospay/index.ts'
import { formatRequestTime } from '../../../src/providers/zenospay/request.ts'
import { stringToSign } from '../../../src/providers/zenospay/signature.ts'
import { strangerKey } from '../../support/zenospay.ts'
import {
  askedAt,
  callingAccount,
  credentials,
  merchantPublicKey,
  payOrder,
  payoutStatus,
  reservation,
  reserveOrder,
} from '../../support/zenospay-client.ts'

const answers: Record<string, object> = {
  '/api/inquiry': { status: true, data: reservation },
  '/api/transfer': { status: true },
  '/api/check/inquiry': { status: true, data: payoutStatus },
  '/api/balance': { status: true, data: { balance: 1 } },
}

/** The documents' recipe, written down once more and without our code; undefined where the request is as it should be. */
function findFault(
  request: IncomingMessage,
  body: string,
  getPayload: string | undefined,
): string | undefined {
  const header = (name: string) => String(request.headers[name])
  const time = header('x-timestamp')
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+07:00$/.test(time)) return 'The timestamp is of another form.'
  if (Date.parse(time) !== askedAt) return 'The timestamp is not now.'
  if (header('x-partner-id') !== callingAccount.partnerId) return 'The partner is another.'
  // Their own way: parse it, print it, hash that.
  const minified = request.method === 'GET' ? getPayload : JSON.stringify(JSON.parse(body))
  if (request.method === 'GET' && body !== '') return 'A GET has a body.'
  const payload =
    minified === undefined ? '' : createHash('sha256').update(minified).digest('hex').toLowerCase()
  const text = [request.method, request.url, payload, time].join(':')
  const signature = Buffer.from(header('x-signature'), 'base64')
  return verify('RSA-SHA256', Buffer.from(text), merchantPublicKey, signature)
    ? undefined
    : 'The signature is wrong.'
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const connectTo: ConnectTo =
  ({ baseUrl }): Call =>
  async ({ method, path, body, headers }) => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: headers(),
      ...(body !== undefined && { body }),
    })
    return {
      outcome: 'answered',
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: Buffer.from(await response.arrayBuffer()),
    }
  }

describe('zenospay requests, over HTTP', () => {
  let server: Server
  let getPayload: string | undefined
  const seen: string[] = []
  before((done) => {
    server = createServer(async (request, response) => {
      const fault = findFault(request, await readBody(request), getPayload)
      seen.push(`${request.method} ${request.url} ${fault ?? 'genuine'}`)
      response.statusCode = fault ? 401 : 200
      response.end(JSON.stringify(fault ? { status: false, message: fault } : answers[request.url ?? '']))
    })
    server.listen(0, '127.0.0.1', done)
  })
  after((done) => void server.close(done))
  beforeEach(() => {
    getPayload = ''
    seen.length = 0
  })

  function open(fields: Partial<ZenospayCredentials> = {}) {
    const { port } = server.address() as AddressInfo
    const account = {
      ...callingAccount,
      credentials: { ...credentials, baseUrl: `http://127.0.0.1:${port}`, ...fields },
    }
    const { client } = createZenospay(account, { connectTo, clock: () => askedAt })
    assert.ok(client)
    return client
  }

  it('prove right by the documented recipe', async () => {
    const client = open()
    const results = [
      await client.order(reserveOrder),
      await client.order({ ...payOrder, force: true }),
      await client.ask({ call: 'transfer', reference: payoutStatus.merchant_transaction_id }),
    ]
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['answered', 'answered', 'answered'],
    )
    assert.deepEqual(await client.balance?.(), { available: '1', currency: 'IDR' })
    assert.deepEqual(seen, [
      'POST /api/inquiry genuine',
      'POST /api/transfer genuine',
      'POST /api/check/inquiry genuine',
      'GET /api/balance genuine',
    ])
  })

  it('sign a GET in the way that the account says', async () => {
    getPayload = '{}'
    assert.equal(await open().balance?.(), undefined)
    for (const [written, text] of [
      ['braces', '{}'],
      ['brackets', '[]'],
      ['none', undefined],
      ['empty', ''],
    ] as const) {
      getPayload = text
      assert.ok(await open({ getPayload: written }).balance?.(), written)
    }
    assert.deepEqual(seen, [
      'GET /api/balance The signature is wrong.',
      ...Array<string>(4).fill('GET /api/balance genuine'),
    ])
  })

  it('are refused for a person where another key signs', async () => {
    const result = await open({ privateKey: strangerKey }).order(payOrder)
    assert.ok(result.outcome === 'refused')
    assert.deepEqual([result.remedy, result.code], ['operator', 'unauthenticated'])
  })

  it('are signed over what the documentation shows', () => {
    const body = JSON.stringify({
      merchant_transaction_id: 'ICZ10000001',
      amount: '100000',
      currency: 'IDR',
      bank_code: 'nobu',
      description: 'Lorem Ipsum',
      customer_name: 'John Doe',
      product_name: 'Product Test',
    })
    const timestamp = formatRequestTime(Date.parse('2024-12-16T05:11:14Z'))
    assert.equal(
      stringToSign({
        method: 'POST',
        path: '/api/create/va',
        bodyDigest: digestBody(Buffer.from(body)),
        timestamp,
      }),
      'POST:/api/create/va:cad9d57e19305c927eae3138a3271dee13ae1c41b2b1fdf0e6915d792b3998c7:2024-12-16T12:11:14+07:00',
    )
  })
})
