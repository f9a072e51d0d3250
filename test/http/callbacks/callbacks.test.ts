import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import express from 'express'
import request, { type Response } from 'supertest'
import type { ErrorCode } from '../../../src/domain/errors.ts'
import { AppError } from '../../../src/domain/errors.ts'
import type { OpenReceipt } from '../../../src/domain/receipt.ts'
import { createFailureLimiter } from '../../../src/http/callbacks/failure-limiter.ts'
import {
  bodyBytesMax,
  type CallbackHandler,
  createCallbackHandler,
} from '../../../src/http/callbacks/handler.ts'
import { createIntake } from '../../../src/http/callbacks/intake.ts'
import { createRoom } from '../../../src/http/callbacks/room.ts'
import { createCallbackServer } from '../../../src/http/callbacks/server.ts'
import { createSourceOf, createSourceRule } from '../../../src/http/callbacks/source.ts'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import { createZenospay } from '../../../src/providers/zenospay/index.ts'
import type { SignedCallback } from '../../../src/sandbox/signed-callback.ts'
import type { RefusedCallback } from '../../../src/store/quarantine.ts'
import type { Patience } from '../../../src/telemetry/patience.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { exchange, open } from '../../support/raw-http.ts'
import { ids } from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { signedBody, signedDisbursement, strangerKey, testAccount } from '../../support/zenospay.ts'

const url = '/callbacks/zeno-test'

describe('callback listener', () => {
  let receipts: OpenReceipt[]
  let refused: RefusedCallback[]
  let used: unknown[][]
  let asked: string[]
  let unavailable: ErrorCode | undefined
  let sources: Map<string, string[]>
  let enqueue: (receipt: OpenReceipt, patience: Patience) => Promise<void>
  let logger: ReturnType<typeof createMemoryLogger>
  let handler: CallbackHandler
  let server: Server
  let now: number

  beforeEach(async () => {
    receipts = []
    refused = []
    sources = new Map()
    used = []
    asked = []
    unavailable = undefined
    now = Date.now()
    enqueue = async (receipt) => void receipts.push(receipt)
    logger = createMemoryLogger()
    const provider: AccountProvider = { ...createZenospay(testAccount), budgetMs: 200 }
    handler = createCallbackHandler({
      providers: new Map([
        [testAccount.id, provider],
        ['plain', { ...provider, account: 'plain', refused: undefined }],
      ]),
      intake: createIntake({
        unavailable: () => unavailable,
        enqueue: (...args) => enqueue(...args),
        ids,
      }),
      limiter: createFailureLimiter(() => now),
      sourceOf: createSourceOf(0),
      isSourceAllowed: (...args) => createSourceRule(sources)(...args),
      quarantine: (one) => void refused.push(one),
      askForQuery: (_provider, body) => void asked.push(body.toString()),
      room: createRoom(1024 * 1024),
      usage: {
        note: (...args) => void used.push(args),
        noteRefusal: (...args) => void used.push(args),
      },
      underWayMax: 50,
      senderMsMax: 400,
      clock: () => now,
      logger,
    })
    server = createCallbackServer(handler, { headersMs: 300, requestMs: 2_000, sweepMs: 20 }).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const send = (callback: SignedCallback) =>
    request(server).post(url).set(callback.headers).send(callback.body)
  const forged = () => signedBody('{}', { privateKey: strangerKey })

  const raw = (bytes: string, options?: { end: boolean }) => exchange(server, bytes, options)

  it('answers 200 in the provider’s dialect once the callback is durable', async () => {
    let durable = () => {}
    enqueue = (receipt) =>
      new Promise((resolve) => {
        receipts.push(receipt)
        durable = resolve
      })
    const callback = signedDisbursement()
    const answered = send(callback).then((response) => response)
    while (receipts.length === 0) await new Promise((resolve) => setImmediate(resolve))
    durable()
    const response = await answered
    assert.equal(response.status, 200)
    assert.deepEqual(response.body, { status: true })
    const [receipt] = receipts
    assert.ok(receipt)
    assert.equal(receipt.account, 'zeno-test')
    assert.deepEqual(receipt.opened, Buffer.from(callback.body))
  })

  it('keeps the bytes as they came, whatever they are', async () => {
    for (const body of ['{"a":1,  "b":"\\/é"}\n', 'not json', '']) {
      const response = await send(signedBody(body)).set('content-type', 'text/weird')
      assert.equal(response.status, 200, body)
      const receipt = receipts.at(-1)
      assert.ok(receipt)
      assert.equal(receipt.opened.toString(), body)
    }
  })

  it('counts which key verified it, and why it was refused', async () => {
    assert.equal((await send(signedDisbursement())).status, 200)
    assert.equal((await send(forged())).status, 401)
    enqueue = async () => Promise.reject(new AppError('not-durable-yet'))
    assert.equal((await send(signedDisbursement())).status, 503)
    const keyId = testAccount.providerPublicKeys[0]?.id
    assert.deepEqual(used, [
      ['zeno-test', keyId, now],
      ['zeno-test', 'signature-wrong', now],
    ])
  })

  it('answers a repeat in the same way', async () => {
    const callback = signedDisbursement()
    assert.equal((await send(callback)).status, 200)
    assert.equal((await send(callback)).status, 200)
    assert.equal(receipts.length, 2)
  })

  it('mounts in Express like any middleware, also behind another body parser that leaves it alone', async () => {
    const app = express()
    app.use('/callbacks', handler.middleware)
    app.use(express.json())
    app.get('/callbacks', (_req, res) => void res.send('not ours'))
    const callback = signedDisbursement()
    const response = await request(app).post(url).set(callback.headers).send(callback.body)
    assert.equal(response.status, 200)
    assert.deepEqual(response.body, { status: true })
    assert.equal(response.headers['content-type'], 'application/json; charset=utf-8')
    assert.equal(response.headers['x-content-type-options'], 'nosniff')
    assert.equal(response.headers['content-length'], '15')
    assert.equal((await request(app).get('/callbacks')).text, 'not ours')
    assert.equal((await request(app).post('/callbacks/nobody').send('{}')).status, 404)
  })

  it('takes a whole URL in the first line, as a proxy may send it', async () => {
    const { headers, body } = signedDisbursement()
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const answer = await raw(
      `POST http://callbacks.example${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    assert.match(answer, /^HTTP\/1.1 200 /)
  })

  describe('refuses', () => {
    it('a wrong or missing signature with 401, keeps it in quarantine and says nothing of the reason', async () => {
      for (const callback of [forged(), { ...forged(), headers: {} as Record<string, string> }]) {
        const response = await send(callback)
        assert.equal(response.status, 401)
        assert.deepEqual(response.body, { status: false, message: 'The callback is not authentic' })
      }
      assert.deepEqual(
        refused.map(({ reason }) => reason),
        ['signature-wrong', 'partner-missing'],
      )
      assert.equal(refused[0]?.body.toString(), '{}')
      assert.equal(refused[0]?.path, url)
      assert.equal(refused[0]?.headers['x-partner-id'], testAccount.partnerId)
      assert.equal(receipts.length, 0)
    })

    it('a time outside the window with 401', async () => {
      const response = await send(signedBody('{}', { now: now - 3_600_000 }))
      assert.equal(response.status, 401)
      assert.equal(refused[0]?.reason, 'outside-window')
    })

    it('an account that is not there with 404', async () => {
      for (const path of [
        '/callbacks/other',
        '/callbacks/',
        '/callbacks/a/b',
        '/callbacks',
        '/',
        '/callbacks/zeno-test/',
      ]) {
        const response = await request(server).post(path).send('{}')
        assert.equal(response.status, 404, path)
        assert.match(response.headers['content-type'] ?? '', /problem\+json/)
      }
    })

    it('another method with 405 and what is allowed', async () => {
      for (const method of ['get', 'put', 'delete', 'patch', 'options', 'head'] as const) {
        const response = await request(server)[method](url)
        assert.equal(response.status, 405, method)
        assert.equal(response.headers.allow, 'POST')
      }
    })

    it('what is signed rightly and too late, and asks for a status query about it', async () => {
      const { body } = signedDisbursement()
      assert.equal((await send(signedBody(body, { now: now - 3_600_000 }))).status, 401)
      assert.deepEqual(asked, [body])
      assert.equal((await send(forged())).status, 401)
      assert.equal(asked.length, 1, 'a forgery prompts nothing')
      for (let i = 0; i < 30; i++) await send(forged())
      const late = await send(signedBody(body, { now: now - 3_600_000 }))
      assert.equal(late.status, 429)
      assert.equal(asked.length, 2, 'whoever else fails from the same address')
    })

    it('with problem details, where the provider asks for no form of its own', async () => {
      const response = await request(server).post('/callbacks/plain').send('{}')
      assert.equal(response.status, 401)
      assert.match(response.headers['content-type'] ?? '', /problem\+json/)
      assert.equal(response.body.code, 'not-authentic')
      assert.equal(response.body.detail, 'The callback is not authentic.')
    })

    it('a header of the signature that came twice, since nobody can say which was signed', async () => {
      const { headers, body } = signedDisbursement()
      for (const twice of ['x-signature', 'x-timestamp', 'x-partner-id']) {
        const lines = [...Object.entries(headers), [twice, headers[twice]]]
        const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
        const answer = await raw(
          `POST ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${text}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        )
        assert.match(answer, /^HTTP\/1.1 401 /, twice)
      }
      assert.equal(receipts.length, 0)
    })

    it('a compressed body with 415', async () => {
      const response = await request(server).post(url).set('content-encoding', 'gzip').send('x')
      assert.equal(response.status, 415)
    })

    it('a body that announces too much with 413, without reading it', async () => {
      const head = `POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bodyBytesMax + 1}\r\n\r\n`
      const answer = await raw(head)
      assert.match(answer, /^HTTP\/1.1 413 /)
      assert.match(answer, /connection: close/i)
    })

    it('a body that turns out too large with 413, without reading the rest', async () => {
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
      const answer = await raw(
        `POST ${url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(6)}`,
      )
      assert.match(answer, /^HTTP\/1.1 413 /)
      assert.match(answer, /connection: close/i)
    })

    it('takes a body of just the largest size', async () => {
      const response = await send(signedBody('x'.repeat(bodyBytesMax)))
      assert.equal(response.status, 200)
    })

    it('too slow a body with 408, and closes', async () => {
      const answer = await raw(`POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`)
      assert.match(answer, /^HTTP\/1.1 408 /)
      assert.match(answer, /connection: close/i)
    })

    it('too slow headers with 408, and closes', async () => {
      const answer = await raw(`POST ${url} HTTP/1.1\r\nHost: x\r\nX-Slow`)
      assert.match(answer, /^HTTP\/1.1 408 /)
    })

    it('headers beyond all measure with 431, and what is no HTTP with 400', async () => {
      const answer = await raw(`POST ${url} HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`)
      assert.match(answer, /^HTTP\/1.1 431 /)
      assert.match(await raw('hello\r\n\r\n'), /^HTTP\/1.1 400 /)
    })

    it('a sender who goes away in the middle, without a trace but a line', async () => {
      await raw(`POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`, { end: true })
      assert.equal(receipts.length, 0)
      assert.equal((await send(signedDisbursement())).status, 200, 'the next is served')
    })
  })

  describe('an account that names its sources', () => {
    it('is called from there alone, and a stranger is told no more than any forger', async () => {
      assert.equal((await send(signedDisbursement())).status, 200)
      sources.set(testAccount.id, ['203.0.113.0/24'])
      const response = await send(signedDisbursement())
      assert.equal(response.status, 401)
      assert.equal(receipts.length, 1)
      assert.equal(refused[0]?.reason, 'source-not-allowed')
      sources.set(testAccount.id, ['127.0.0.0/8'])
      assert.equal((await send(signedDisbursement())).status, 200)
    })
  })

  describe('slows down', () => {
    it('a source that keeps failing, with 429 and when to come again, and fills no quarantine with it', async () => {
      for (let i = 0; i < 20; i++) assert.equal((await send(forged())).status, 401)
      const response = await send(forged())
      assert.equal(response.status, 429)
      assert.equal(response.headers['retry-after'], '1')
      assert.equal(refused.length, 20)
      now += 1_000
      assert.equal((await send(forged())).status, 401, 'one a second is still kept')
    })

    it('and never a genuine callback, whoever else shares its address', async () => {
      for (let i = 0; i < 40; i++) await send(forged())
      assert.equal((await send(signedDisbursement())).status, 200)
      for (let i = 0; i < 30; i++)
        assert.equal((await send(forged())).status, 401, 'nor a source that has verified')
    })
  })

  describe('sends to come again, with 503', () => {
    async function expect503(): Promise<void> {
      const response = await send(signedDisbursement())
      assert.equal(response.status, 503)
      assert.ok(Number(response.headers['retry-after']) > 0)
      assert.equal(response.body.status, false)
    }

    for (const code of ['redis-away', 'redis-full', 'redis-weak'] as const) {
      it(`when ${code.replace('-', ' is ')}`, async () => {
        unavailable = code
        await expect503()
        assert.equal(receipts.length, 0)
      })
    }

    it('when the write fails', async () => {
      enqueue = () => Promise.reject(new AppError('not-durable-yet'))
      await expect503()
    })

    it('when too many are in flight', async () => {
      enqueue = () => Promise.reject(new AppError('too-many-in-flight'))
      await expect503()
    })

    it('at once, and with an end to waiting, what comes while too many are under way', async () => {
      const release: (() => void)[] = []
      enqueue = () => new Promise<void>((resolve) => release.push(resolve))
      const answers: Response[] = []
      const all = Promise.all(
        Array.from({ length: 80 }, () => send(signedDisbursement()).then((answer) => answers.push(answer))),
      )
      await until('the answers to the rest', () => answers.length === 30)
      assert.equal(release.length, 50, 'the others wait for their write')
      for (const { status, headers } of answers) {
        assert.equal(status, 503)
        assert.equal(headers['retry-after'], '1')
      }
      for (const resolve of release) resolve()
      await all
      assert.equal(answers.filter(({ status }) => status === 200).length, 50)
    })

    it('when bodies that are still coming have taken all the room, and gives the room back', async () => {
      const held = Array.from({ length: 5 }, () =>
        raw(`POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: 250001\r\n\r\n${'x'.repeat(250_000)}`),
      )
      const answers = await Promise.all(held)
      const full = answers.filter((answer) => /^HTTP\/1.1 503 /.test(answer))
      assert.equal(full.length, 1, 'four fit into a mebibyte')
      assert.equal(answers.filter((answer) => /^HTTP\/1.1 408 /.test(answer)).length, 4)
      assert.equal((await send(signedDisbursement())).status, 200)
    })

    it('when there is no durable write within the account’s time', async () => {
      // As the producer does: it rejects when the patience of its caller is over.
      enqueue = (_receipt, patience) =>
        new Promise((_resolve, reject) => patience.onOver(() => reject(new AppError('not-durable-yet'))))
      await expect503()
    })

    it('when the body came after the account’s time, though it came', async () => {
      const { headers, body } = signedDisbursement()
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const head = `POST ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`
      const socket = open(server)
      socket.write(head)
      // Longer than the account's 200 ms, shorter than the sender's 400.
      setTimeout(() => socket.write(body), 280)
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      assert.match(chunk.toString(), /^HTTP\/1.1 503 /)
      assert.equal(receipts.length, 0)
    })

    it('and not with a 4xx when something unforeseen breaks', async () => {
      enqueue = () => {
        throw new TypeError('a bug')
      }
      const response = await send(signedDisbursement())
      assert.ok(response.status >= 500)
    })
  })

  it('serves its health, and nothing else', async () => {
    assert.deepEqual((await request(server).get('/healthz')).body, { status: 'ok' })
    assert.equal((await request(server).post('/healthz')).status, 405)
    assert.equal((await request(server).get('/v1/transfers')).status, 404)
    assert.equal((await request(server).get('/ops')).status, 404)
  })

  it('writes one line a request, with the digest and without anything personal', async () => {
    await send(signedDisbursement({ accountName: 'Planted Name', accountNumber: '5550001234' }))
    await send({ ...signedDisbursement({ accountName: 'Planted Name' }), headers: {} })
    const lines = logger.lines.filter(({ event }) => event === 'callback.received')
    assert.deepEqual(
      lines.map(({ fields }) => fields.outcome),
      ['durable', 'not-authentic'],
    )
    assert.match(String(lines[0]?.fields.digest), /^[0-9a-f]{64}$/)
    const said = JSON.stringify(logger.lines)
    assert.ok(!said.includes('Planted') && !said.includes('5550001234') && !said.includes('signature"'))
  })

  it('puts the answers of a pipelining sender in order', async () => {
    const { headers, body } = signedDisbursement()
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const one = `POST ${url} HTTP/1.1\r\nHost: x\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n`
    const answer = await raw(`${one}\r\n${body}${one}connection: close\r\n\r\n${body}`)
    assert.equal(answer.match(/HTTP\/1.1 200 OK/g)?.length, 2)
  })
})
