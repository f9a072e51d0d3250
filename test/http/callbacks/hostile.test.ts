/**
 * Hostile senders, over real HTTP and for every scheme: a genuine callback is changed a little, or a lot, and must not be
 * taken; nothing they send makes a 5xx, breaks anything or stays in memory.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { OpenReceipt } from '../../../src/domain/receipt.ts'
import { createFailureLimiter } from '../../../src/http/callbacks/failure-limiter.ts'
import { createCallbackHandler } from '../../../src/http/callbacks/handler.ts'
import { createIntake } from '../../../src/http/callbacks/intake.ts'
import { createRoom } from '../../../src/http/callbacks/room.ts'
import { createCallbackServer } from '../../../src/http/callbacks/server.ts'
import { createSourceOf } from '../../../src/http/callbacks/source.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createCaller, exchange, type Headers, open, post } from '../../support/raw-http.ts'
import { type SchemeUnderTest, type Spared, schemesUnderTest } from '../../support/schemes.ts'
import { ids } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const runs = 500

describe('hostile senders', () => {
  const schemes = schemesUnderTest()
  const receipts: OpenReceipt[] = []
  const logger = createMemoryLogger()
  let server: Server
  let caller: ReturnType<typeof createCaller>

  before(async () => {
    const handler = createCallbackHandler({
      providers: new Map(schemes.map(({ provider }) => [provider.account, provider])),
      intake: createIntake({
        unavailable: () => undefined,
        enqueue: async (receipt) => void receipts.push(receipt),
        ids,
      }),
      // Only its rule for failing sources would stop these tests: they are one source.
      limiter: { ...createFailureLimiter(Date.now), waitMs: () => 0 },
      sourceOf: createSourceOf(0),
      isSourceAllowed: () => true,
      room: createRoom(64 * 1024 * 1024),
      quarantine: () => {},
      usage: { note() {}, noteRefusal() {} },
      askForQuery: () => {},
      underWayMax: 2_048,
      senderMsMax: 2_000,
      clock: Date.now,
      logger,
    })
    server = createCallbackServer(handler, { headersMs: 300, requestMs: 3_000, sweepMs: 20 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    caller = createCaller(server)
  })
  beforeEach(() => {
    receipts.length = 0
    logger.lines.length = 0
  })
  after(() => {
    caller.close()
    server.closeAllConnections()
    server.close()
  })

  /** 4xx, nothing stored, and nothing that broke. */
  async function refused(request: Buffer): Promise<void> {
    receipts.length = 0
    const status = await caller.status(request)
    assert.ok(
      status >= 400 && status < 500,
      `answered ${status} to ${request.toString('latin1').slice(0, 600)}`,
    )
    assert.equal(receipts.length, 0)
    assert.ok(!logger.lines.some(({ event }) => event === 'callback.broke'))
  }

  const genuine = async (scheme: SchemeUnderTest, body = scheme.body()) => ({
    path: `/callbacks/${scheme.provider.account}`,
    ...(await scheme.sign(body)),
  })

  for (const scheme of schemes) {
    describe(scheme.name, () => {
      it('takes the genuine one, so that what follows says something', async () => {
        const { path, headers, body } = await genuine(scheme)
        assert.equal(await caller.status(post(path, headers, body)), 200)
        assert.equal(receipts.length, 1)
      })

      if (scheme.coversBody)
        it('takes none whose body was changed anywhere', async () => {
          const { path, headers, body } = await genuine(scheme)
          await fc.assert(
            fc.asyncProperty(changeOf(body), (changed) => refused(post(path, headers, changed))),
            { numRuns: runs },
          )
        })

      if (scheme.signedHeaders.length > 0)
        it('takes none of which a signed header was changed, dropped, doubled or borrowed from another', async () => {
          const one = await genuine(scheme)
          const other = await genuine(scheme, scheme.body())
          await fc.assert(
            fc.asyncProperty(
              fc.constantFrom(...scheme.signedHeaders),
              fc.nat(),
              fc.nat(),
              (name, at, how) => {
                const headers = changeHeader(one.headers, other.headers, {
                  name,
                  at,
                  how,
                  spared: scheme.spared,
                })
                fc.pre(headers !== undefined)
                return refused(post(one.path, headers, one.body))
              },
            ),
            { numRuns: runs },
          )
        })

      it('takes none that is sent to another account', async () => {
        const { headers, body } = await genuine(scheme)
        for (const { provider } of schemes) {
          if (provider !== scheme.provider)
            await refused(post(`/callbacks/${provider.account}`, headers, body))
        }
      })

      it('keeps what is genuine, however odd, and its translation never throws', async () => {
        for (const odd of oddBodies()) {
          if (odd.length === 0 && scheme.spared.includes('empty-body')) continue
          receipts.length = 0
          const { path, headers, body } = await genuine(scheme, odd)
          // A token in a header is bounded by what headers may be.
          if (headers.some(([, value]) => value.length > 8_000)) continue
          assert.equal(
            await caller.status(post(path, headers, body)),
            200,
            JSON.stringify([odd.toString().slice(0, 50), logger.lines.at(-1)]),
          )
          assert.deepEqual(receipts[0]?.opened, body)
          assert.equal(scheme.provider.translate(body).outcome, 'not-understood')
        }
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
            assert.equal(scheme.provider.translate(Buffer.from(bytes)).outcome, 'not-understood')
          }),
          { numRuns: runs },
        )
      })
    })
  }

  describe('on the wire', () => {
    it('headers that contradict each other about the length are refused, and the connection is closed', async () => {
      const head = 'POST /callbacks/zenospay HTTP/1.1\r\nHost: x\r\n'
      for (const lines of [
        'Content-Length: 5\r\nContent-Length: 6\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: gzip, chunked, identity\r\n',
        'Content-Length: -1\r\n',
        'Content-Length: 1e3\r\n',
        ' folded: header\r\n',
        'Content-Length : 3\r\n',
      ]) {
        const answer = await exchange(server, `${head}${lines}\r\nabc`)
        assert.match(answer, /^HTTP\/1\.1 400 /, lines)
      }
    })

    it('more headers than any provider sends are cut off, and too many bytes of them are refused', async () => {
      const many = Array.from({ length: 5_000 }, (_, i) => `X-H${i}: ${i}\r\n`).join('')
      assert.match(
        await exchange(server, `POST /callbacks/zenospay HTTP/1.1\r\nHost: x\r\n${many}\r\n`),
        / 431 /,
      )
    })

    it('requests sent in one breath are answered one by one, in order', async () => {
      const [scheme] = schemes
      assert.ok(scheme)
      const first = await genuine(scheme)
      const request = post(first.path, first.headers, first.body)
      const forged = post(first.path, [], first.body)
      const last = post(first.path, [...first.headers, ['connection', 'close']], first.body)
      const answer = await exchange(server, Buffer.concat([request, forged, request, last]))
      assert.deepEqual(
        [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status),
        ['200', '401', '200', '200'],
      )
    })

    it('senders who leave in the middle leave nothing behind', async () => {
      const leavers = Array.from({ length: 100 }, (_, index) => {
        const socket = open(server)
        socket.write(
          'POST /callbacks/zenospay HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"half"'.slice(
            0,
            20 + index,
          ),
        )
        return socket
      })
      await Promise.all(leavers.map((socket) => once(socket, 'connect')))
      for (const socket of leavers) socket.destroy()
      await until('no connection but the test’s own', async () => (await connectionsOf(server)) <= 1)
      const [scheme] = schemes
      assert.ok(scheme)
      const { path, headers, body } = await genuine(scheme)
      assert.equal(await caller.status(post(path, headers, body)), 200)
    })

    it('what was refused does not stay in memory', async function () {
      this.timeout(60_000)
      const body = Buffer.alloc(16 * 1024, 'x')
      const flood = async (count: number) => {
        for (let i = 0; i < count; i++) {
          await caller.status(post('/callbacks/zenospay', [['x-signature', String(i)]], body))
          logger.lines.length = 0
        }
        return usedBytes()
      }
      await flood(500)
      const before = await flood(500)
      const grown = (await flood(1_500)) - before
      assert.ok(grown < 4 * 1024 * 1024, `1,500 bodies of 16 KiB left ${grown} bytes`)
    })
  })
})

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** A bit turned, a byte put in, taken out or doubled, the end cut off, something added. */
function changeOf(body: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.nat(body.length - 1)
  return fc
    .oneof(
      fc.tuple(at, fc.nat(7)).map(([i, bit]) => {
        const changed = Buffer.from(body)
        changed[i] = (changed[i] ?? 0) ^ (1 << bit)
        return changed
      }),
      fc
        .tuple(at, fc.nat(255))
        .map(([i, byte]) => Buffer.concat([body.subarray(0, i), Buffer.of(byte), body.subarray(i)])),
      at.map((i) => Buffer.concat([body.subarray(0, i), body.subarray(i + 1)])),
      at.map((i) => body.subarray(0, i)),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((more) => Buffer.concat([body, more])),
    )
    .filter((changed) => !changed.equals(body))
}

const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))

/** Undefined where the change is none. */
function changeHeader(
  headers: Headers,
  others: Headers,
  { name, at, how, spared }: { name: string; at: number; how: number; spared: readonly Spared[] },
): Headers | undefined {
  const value = headers.find(([known]) => known === name)?.[1] ?? ''
  const other = others.find(([known]) => known === name)?.[1] ?? ''
  const i = at % value.length
  const put = visible[at % visible.length] ?? '!'
  const rest = headers.filter(([known]) => known !== name)
  const changes: (string | undefined)[] = [
    value.slice(0, i) + put + value.slice(i + 1),
    value.slice(0, i) + put + value.slice(i),
    value.slice(0, i) + value.slice(i + 1),
    value.slice(0, i),
    `${value}${put}`,
    spared.includes('doubled-value') ? value : value + value,
    '',
    swapCase(value, i),
    other,
    'x'.repeat(8_000),
  ]
  const choice = how % (changes.length + 2)
  if (choice === changes.length) return rest
  if (choice === changes.length + 1) return [...headers, [name, other || put]]
  const changed = changes[choice] ?? ''
  const isNone = changed.trim() === value || (spared.includes('other-case') && sameScheme(changed, value))
  return isNone ? undefined : [...rest, [name, changed]]
}

/** `basic abc` says what `Basic abc` says. */
function sameScheme(a: string, b: string): boolean {
  const [schemeA = '', ...restA] = a.split(' ')
  const [schemeB = '', ...restB] = b.split(' ')
  return schemeA.toLowerCase() === schemeB.toLowerCase() && restA.join(' ') === restB.join(' ')
}

function swapCase(text: string, i: number): string {
  const letter = text.charAt(i)
  const swapped = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
  return text.slice(0, i) + swapped + text.slice(i + 1)
}

/** Rightly signed, and still nothing that anyone could apply. */
function oddBodies(): Buffer[] {
  return [
    '',
    '\0',
    '{"a":"\0"}',
    'null',
    '1e400',
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}',
    '{"a":1,"a":2}',
    '['.repeat(100_000),
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    '{"amount":1e400,"data":{"amount":99999999999999999999999999999999}}',
    '\uFEFF{}',
  ]
    .map((text) => Buffer.from(text))
    .concat([Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.from('{"a":"\xff"}', 'latin1')])
}
