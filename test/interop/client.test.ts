/** Tallyhook's own client at the make-believe WeChat Pay: both are written from the documents, and neither from the other. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Client, ConnectTo } from '../../src/providers/client.ts'
import { createWechatpay } from '../../src/providers/wechatpay/index.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { grant, payBatch } from '../support/wechatpay-answers.ts'
import {
  certificateKey,
  merchantKeys,
  newNumber,
  sandboxApiV3Key,
  sandboxCertificate,
  sandboxPublicKey,
  startWechatpaySandbox,
  type TestSandbox,
} from '../support/wechatpay-sandbox.ts'

const connectTo: ConnectTo =
  ({ baseUrl }) =>
  async ({ method, path, body, headers }) => {
    const answer = await fetch(`${baseUrl}${path}`, {
      method,
      headers: headers(),
      ...(body !== undefined && { body }),
    })
    return {
      outcome: 'answered',
      status: answer.status,
      header: (name) => answer.headers.get(name) ?? undefined,
      body: Buffer.from(await answer.arrayBuffer()),
    }
  }

for (const { mode, key } of [
  { mode: 'public-key', key: { serial: sandboxPublicKey.serial, key: sandboxPublicKey.publicKey } },
  { mode: 'certificates', key: { serial: sandboxCertificate.serial, key: certificateKey() } },
] as const) {
  describe(`our client at the make-believe WeChat Pay, in the mode of ${mode}`, () => {
    let world: TestSandbox
    let client: Client
    beforeEach(async () => {
      world = await startWechatpaySandbox({ mode, fates: { delayMs: { from: 0, to: 0 } } })
      const account = {
        id: 'wx',
        mchid: merchantKeys.mchid,
        apiV3Keys: [sandboxApiV3Key],
        platformKeys: [key],
        credentials: {
          serialNo: merchantKeys.serialNo,
          privateKey: merchantKeys.privateKey,
          baseUrl: world.url,
        },
        toleranceMs: 300_000,
        currency: 'CNY',
      }
      const deps = { fetch, clock: Date.now, randomBytes, logger: silentLogger, connectTo }
      client = createWechatpay(account, deps).client ?? assert.fail()
    })
    afterEach(() => world.stop())

    it('pays a batch, asks about it, its page and a transfer', async () => {
      const order = payBatch({ reference: newNumber() })
      assert.equal((await client.order(order)).outcome, 'answered')
      const { reference } = order
      assert.equal((await client.ask({ call: 'batch', reference })).outcome, 'answered')
      const page = await client.ask({ call: 'batch-page', reference, from: 0 })
      assert.equal(page.outcome === 'answered' && page.parts.length >= order.transfers.length, true)
      const [transfer] = order.transfers
      const one = { call: 'transfer', reference: transfer?.reference ?? '', batch: reference } as const
      assert.equal((await client.ask(one)).outcome, 'answered')
      assert.equal((await client.ask({ call: 'batch', reference: newNumber() })).outcome, 'not-known')
    })

    it('finds by numbers of theirs what ours do not name, and takes no other batch for the one it asked about', async () => {
      const order = payBatch({ reference: newNumber() })
      const taken = await client.order(order)
      assert.ok(taken.outcome === 'answered' && taken.parts[0])
      const { batch_id: batchNumber } = JSON.parse(taken.parts[0].body.toString())
      const other = { call: 'batch', reference: newNumber() } as const
      assert.deepEqual(await client.ask({ ...other, batchNumber }), {
        outcome: 'unknown',
        because: 'out_batch_no is not what was asked about.',
      })
      assert.equal((await client.ask({ ...other, batchNumber: '1030000071' })).outcome, 'not-known')
    })

    it('grants a coupon and asks about it', async () => {
      const order = grant({ reference: newNumber() })
      assert.equal((await client.order(order)).outcome, 'answered')
      const [coupon] = world.sandbox.state().coupons
      const { reference, openid, appid } = order
      const asked = { call: 'coupon', reference, openid, appid, couponNumber: coupon?.id ?? '' } as const
      assert.equal((await client.ask(asked)).outcome, 'answered')
    })

    it('does not know what an answer that it cannot prove means, and may ask the same again', async () => {
      for (const word of ['UnsignedResponse', 'Signtest']) {
        const order = payBatch({ reference: newNumber(word) })
        assert.equal((await client.order(order)).outcome, 'unknown', word)
        assert.equal((await client.order(order)).outcome, 'answered', word)
      }
    })

    it('is never told that it failed where the same number is taken later', async () => {
      for (const word of ['TooManyRequests', 'Refused', 'ServerError']) {
        const order = payBatch({ reference: newNumber(word) })
        const first = await client.order(order)
        assert.equal(first.outcome, 'refused', word)
        assert.notEqual(first.outcome === 'refused' && first.remedy, 'failed', word)
        assert.equal((await client.order(order)).outcome, 'answered', word)
      }
    })
  })
}
