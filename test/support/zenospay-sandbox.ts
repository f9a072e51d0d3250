/** The make-believe Zenospay behind a real port, a merchant that signs for itself, and a receiver of callbacks. */
import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFates, type FateOptions } from '../../src/sandbox/fates.ts'
import { createCallbackSwitch, listenSandbox } from '../../src/sandbox/server.ts'
import { createZenospayServer, type ZenospayServerDeps } from '../../src/sandbox/zenospay/server.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'

const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 })
const provider = generateKeyPairSync('rsa', { modulusLength: 2048 })
const next = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const strangerKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
export const partnerId = 'client-key'
export const callbackPath = '/callbacks/zeno-main'

export interface Received {
  headers: IncomingHttpHeaders
  body: string
  at: number
}

/** Which key it was signed with, over the bytes that arrived. */
export function signerOf({ headers, body }: Received): 'provider' | 'next' | 'stranger' {
  const hash = createHash('sha256').update(body).digest('hex')
  const text = Buffer.from(`POST:${callbackPath}:${hash}:${headers['x-timestamp']}`)
  const signature = Buffer.from(String(headers['x-signature']), 'base64')
  if (verify('sha256', text, provider.publicKey, signature)) return 'provider'
  return verify('sha256', text, next.publicKey, signature) ? 'next' : 'stranger'
}

export interface CallOptions {
  key?: KeyObject
  at?: number
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  /** Over what is signed, where that is something else. */
  signed?: string
  signal?: AbortSignal
}

export interface Answer {
  status: number
  body: { status?: boolean; message?: string; data?: Record<string, unknown> | null }
}

export type ZenospaySetup = Partial<ZenospayServerDeps> & { fate?: Partial<FateOptions> }

export async function startZenospay({ fate = {}, ...deps }: ZenospaySetup = {}) {
  const received: Received[] = []
  /** What the receiver answers next, and then 200. */
  const answers: number[] = []
  const receiver = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    received.push({ headers: req.headers, body: Buffer.concat(chunks).toString(), at: Date.now() })
    res.writeHead(answers.shift() ?? 200).end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const callbacks = createCallbackSwitch()
  const zenospay = createZenospayServer({
    partnerId,
    merchantPublicKey: merchant.publicKey,
    privateKey: provider.privateKey,
    nextPrivateKey: next.privateKey,
    callbackUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${callbackPath}`,
    callbacksOn: callbacks.isOn,
    fates: createFates({ seed: 1, delayMs: { from: 1, to: 5 }, ...fate }),
    retryMs: [10, 10],
    clock: Date.now,
    fetch,
    logger: silentLogger,
    ...deps,
  })
  const server = await listenSandbox({ zenospay, callbacks }, { host: '127.0.0.1', port: 0 })

  async function call(path: string, content?: unknown, options: CallOptions = {}): Promise<Answer> {
    const { method = 'POST', key = merchant.privateKey } = options
    const body = content === undefined ? '' : typeof content === 'string' ? content : JSON.stringify(content)
    const timestamp = `${new Date((options.at ?? Date.now()) + 7 * 3600_000).toISOString().slice(0, 19)}+07:00`
    const hash = createHash('sha256')
      .update(options.signed ?? body)
      .digest('hex')
    const signature = sign('sha256', Buffer.from(`${method}:${path}:${hash}:${timestamp}`), key)
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-timestamp': timestamp,
        'x-partner-id': partnerId,
        'x-signature': signature.toString('base64'),
        ...options.headers,
      },
      ...(method === 'POST' && { body }),
      signal: options.signal ?? null,
    })
    return { status: answer.status, body: (await answer.json()) as Answer['body'] }
  }

  /** The answer to the order; undefined where there was none. */
  async function pay(reference: string, { amount = 25_000, force = false } = {}) {
    const inquiry = await call('/api/inquiry', inquiryOf({ merchant_transaction_id: reference, amount }))
    const inquiryId = inquiry.body.data?.inquiry_id
    const paid = await call('/api/transfer', { inquiry_id: inquiryId, force })
    return { inquiryId, inquiry, paid }
  }

  return {
    url: server.url,
    received,
    answers,
    call,
    pay,
    check: (reference: string) => call('/api/check/inquiry', { merchant_transaction_id: reference }),
    /** What has arrived about one, in order. */
    heardOf: (reference: string) =>
      received
        .filter(({ body }) => body.includes(`"${reference}"`))
        .map((one) => ({ ...one, data: JSON.parse(one.body).data as Record<string, unknown> })),
    async state() {
      const answer = await fetch(`${server.url}/sandbox/state`)
      return (await answer.json()) as {
        zenospay: { payouts: Record<string, unknown>[]; payments: Record<string, unknown>[]; pending: number }
        calls: Record<string, Record<string, number>>
      }
    },
    async stop() {
      await server.stop()
      receiver.closeAllConnections()
      await new Promise((resolve) => receiver.close(resolve))
    },
  }
}

export type RunningZenospay = Awaited<ReturnType<typeof startZenospay>>

export function inquiryOf(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    merchant_transaction_id: 'payout1',
    bank_code: '014',
    amount: 25_000,
    account_number: '1234567890',
    customer_name: 'Siti Rahma',
    ...fields,
  }
}
