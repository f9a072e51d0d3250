import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import type { Redis } from 'ioredis'
import request from 'supertest'
import type { ReceiptId } from '../../../src/domain/ids.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import { createCancelRoutes } from '../../../src/http/api/cancel.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { describeDisbursement } from '../../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../../src/store/ids.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createApiApp } from '../../support/api-app.ts'
import { createTestClients } from '../../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  findTransfer,
  readAllEvents,
  receiptOf,
  registerIn,
  type TestStore,
} from '../../support/store.ts'
import { disbursement, newReference } from '../../support/zenospay.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('cancelling a transfer', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let app: Express
  let transfer: Transfer

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    const { authenticate } = createTokens([
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:write'] },
      { id: 'reader', sha256: sha256('reader'), scopes: ['transfers:read'] },
    ])
    const deps = { authenticate, clock: Date.now, logger: silentLogger }
    app = createApiApp({
      ...deps,
      routes: [createCancelRoutes({ ...deps, intents: store.intents, vault: store.vault })],
      ops: Router(),
      redisState: () => ({ state: 'ok' as const }),
    })
    transfer = await registerIn(store, newReference())
  })
  after(() => clients.closeAll())

  const cancel = (id: string = transfer.id, body?: object, token = 'ledger') => {
    const sent = request(app).post(`/v1/transfers/${id}/cancel`).set('authorization', `Bearer ${token}`)
    return body ? sent.send(body) : sent
  }
  const callback = (fields: Parameters<typeof disbursement>[0] = {}) =>
    receiptOf(describeDisbursement(disbursement({ reference: transfer.reference, ...fields })))
  const apply = async (receipt = callback()) => (await createTestReconcile(store).applyOne(receipt)).outcome

  it('calls off what was not sent, once, in the name of who asked', async () => {
    for (let i = 0; i < 2; i++) {
      const { status, body } = await cancel(transfer.id, { reason: 'Paid twice.' })
      assert.deepEqual([status, body.state, body.sequence], [200, 'cancelled', 2])
    }
    const events = await readAllEvents(store)
    assert.deepEqual(
      events.map(({ fact }) => fact.name),
      ['registered', 'cancelled'],
    )
    assert.deepEqual(events.at(-1)?.because, { source: 'operator', by: 'ledger', reason: 'Paid twice.' })
  })

  it('takes no reason as well', async () => {
    assert.equal((await cancel()).body.state, 'cancelled')
  })

  it('is too late once it was sent, and says where to look where it is held', async () => {
    await apply(callback({ status: 'processing' }))
    const late = await cancel()
    assert.deepEqual([late.status, late.body.code], [409, 'cannot-cancel'])
    assert.match(late.body.detail, /processing/)
    await apply(callback({ amount: '1.00' }))
    const { hold } = await findTransfer(store, transfer.id)
    assert.match((await cancel()).body.detail, new RegExp(hold?.case ?? '-'))
  })

  it('holds a success that is reported all the same', async () => {
    await cancel()
    assert.equal(await apply(), 'held')
    assert.equal((await cancel()).status, 409, 'a person has to decide now')
  })

  it('decides again where a callback was quicker', async () => {
    const receipt = callback()
    let raced = false
    const { authenticate } = createTokens([
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:write'] },
    ])
    const intents: TestStore['intents'] = {
      ...store.intents,
      async commit(asked) {
        if (!raced) await apply(receipt)
        raced = true
        return store.intents.commit(asked)
      },
    }
    const deps = { authenticate, clock: Date.now, logger: silentLogger }
    const routes = [createCancelRoutes({ ...deps, intents, vault: store.vault })]
    app = createApiApp({ ...deps, routes, ops: Router(), redisState: () => ({ state: 'ok' as const }) })
    assert.equal((await cancel()).status, 409)
    const after = await findTransfer(store, transfer.id)
    assert.deepEqual([after.state, after.settledBy as ReceiptId], ['succeeded', receipt.id])
  })

  it('refuses what is off', async () => {
    assert.equal((await cancel(transfer.id, undefined, 'reader')).status, 403)
    assert.equal((await cancel(transfer.id, { reason: 'a\nb' })).status, 422)
    assert.equal((await cancel(transfer.id, { why: 'x' })).status, 422)
    for (const id of ['tr-1', transferIdOf('gone', 'none')]) assert.equal((await cancel(id)).status, 404)
    assert.equal((await findTransfer(store, transfer.id)).state, 'registered')
  })
})
