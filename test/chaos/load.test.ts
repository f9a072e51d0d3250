/** The load against receivers that do what the program must never do: each is found out. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startLoad } from '../../chaos/load.ts'
import { createChaosProvider } from '../../chaos/provider.ts'
import { createStock } from '../../chaos/stock.ts'
import { digestBody } from '../../src/providers/digest.ts'
import { until } from '../support/until.ts'

const provider = createChaosProvider()

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

type Load = ReturnType<typeof startLoad>

/** Under load until `done`; gives what was taken in. */
async function loadOn(
  statusFor: (count: number) => number,
  done: (load: Load) => boolean,
  budgetMs = provider.budgetMs,
): Promise<{ load: Load; received: string[] }> {
  const received: string[] = []
  const server = createServer((req, res) => {
    void bodyOf(req).then((body) => {
      received.push(digestBody(body))
      res.writeHead(statusFor(received.length)).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stock = createStock(provider.makeCallback, 64, 4)
  const load = startLoad({ origin: () => Promise.resolve(url), stock, budgetMs })
  try {
    await until('the load', () => done(load))
  } finally {
    await load.stop()
    await stock.close()
    server.closeAllConnections()
    server.close()
  }
  return { load, received }
}

describe('chaos: the load', () => {
  it('sends the same bytes again until they are answered 200, and notes what was', async () => {
    const { load, received } = await loadOn(
      (count) => (count <= 40 ? 503 : 200),
      ({ acks }) => acks.count >= 64,
    )
    assert.equal(load.answers['503'], 40)
    for (const digest of load.acknowledged.keys()) assert.ok(received.includes(digest))
    assert.ok(received.length - new Set(received).size >= 20, 'repeats')
  })

  it('finds out a receiver that refuses a genuine callback, and does not send that again', async () => {
    const { load, received } = await loadOn(
      () => 400,
      ({ faults }) => faults.length >= 32,
    )
    assert.match(load.faults[0] ?? '', /^a genuine callback was answered 400 .*digest [0-9a-f]{64}/)
    assert.equal(load.acknowledged.size, 0)
    assert.equal(new Set(received).size, received.length)
  })

  it('finds out a receiver that takes a forged callback', async () => {
    const { load } = await loadOn(
      () => 200,
      ({ forged }) => forged.size >= 2,
    )
    assert.ok(load.faults.some((fault) => fault.startsWith('a forged callback was answered 200')))
    for (const digest of load.forged) assert.ok(!load.genuine.has(digest))
  })

  it('finds out a receiver that answers after its time', async () => {
    const beforeItWasAsked = -5_000
    const { load } = await loadOn(
      () => 200,
      ({ acks }) => acks.count >= 5,
      beforeItWasAsked,
    )
    assert.match(load.faults[0] ?? '', /^200 came after \d+ ms/)
  })
})
