import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import type { Redis } from 'ioredis'
import request from 'supertest'
import { caseIdOfReceipt, type TransferId } from '../../../src/domain/ids.ts'
import { createCaseRoutes } from '../../../src/http/api/cases.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { describeDisbursement } from '../../../src/sandbox/signed-callback.ts'
import { createApiApp } from '../../support/api-app.ts'
import { createTestCaseParts, type TestCaseParts } from '../../support/case-parts.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients } from '../../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  findTransfer,
  ids,
  receiptOf,
  registerIn,
  type TestStore,
} from '../../support/store.ts'
import { disbursement, newReference } from '../../support/zenospay.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('cases in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let parts: TestCaseParts
  let cases: TestStore['cases']
  let app: Express
  let logger: ReturnType<typeof createMemoryLogger>
  let now: number

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    now = Date.parse('2027-01-10T00:00:00Z')
    store = createTestStore(redis)
    logger = createMemoryLogger()
    parts = createTestCaseParts(store, { clock: () => now, logger })
    cases = parts.cases
    const { authenticate } = createTokens([
      { id: 'operator', sha256: sha256('operator'), scopes: ['ops:read', 'ops:act'] },
      { id: 'colleague', sha256: sha256('colleague'), scopes: ['ops:act'] },
      { id: 'viewer', sha256: sha256('viewer'), scopes: ['ops:read'] },
      { id: 'clerk', sha256: sha256('clerk'), scopes: ['ops:read', 'transfers:read'] },
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:read'] },
    ])
    const routes = [createCaseRoutes({ authenticate, ...parts })]
    const redisState = () => ({ state: 'ok' as const })
    app = createApiApp({ routes, ops: Router(), authenticate, redisState, clock: Date.now, logger })
  })
  after(() => clients.closeAll())

  const get = (path: string, token = 'viewer') =>
    request(app).get(`/v1${path}`).set('authorization', `Bearer ${token}`)
  const resolve = (id: string, body: object = { reason: 'Paid by hand.' }, token = 'operator') =>
    request(app).post(`/v1/cases/${id}/resolve`).set('authorization', `Bearer ${token}`).send(body)

  async function opened(account = 'wx-main') {
    const receipt = ids.receiptId()
    await cases.open({ account, receipt, code: 'callback-not-understood', reason: 'No APIv3 key opens it.' })
    const openedAt = new Date(now++).toISOString()
    return {
      id: caseIdOfReceipt(receipt),
      account,
      kind: 'callback-not-applied',
      receipt,
      code: 'callback-not-understood',
      reason: 'No APIv3 key opens it.',
      state: 'open',
      openedAt,
    }
  }

  it('are listed newest first, by account and state, page after page', async () => {
    const [first, second, other] = [await opened(), await opened(), await opened('gone')]
    assert.deepEqual((await get('/cases')).body, { items: [other, second, first], next: null })
    assert.deepEqual((await get('/cases?account=wx-main&state=open')).body.items, [second, first])
    assert.deepEqual((await get('/cases?state=resolved')).body.items, [])
    const page = (await get('/cases?limit=2')).body
    assert.deepEqual(page.items, [other, second])
    assert.deepEqual((await get(`/cases?limit=2&after=${page.next}`)).body, { items: [first], next: null })
  })

  it('are shown by their id, also of an account that is not configured any more', async () => {
    const one = await opened('gone')
    assert.deepEqual((await get(`/cases/${one.id}`)).body, one)
    for (const id of [caseIdOfReceipt(ids.receiptId()), 'case-1', one.receipt])
      assert.equal((await get(`/cases/${id}`)).body.code, 'not-found', id)
  })

  it('are resolved by who holds the token, with a reason; the same again is the same', async () => {
    const one = await opened()
    const expected = {
      ...one,
      state: 'resolved',
      resolvedAt: new Date(now).toISOString(),
      resolution: 'by-person',
      resolvedBy: 'operator',
      resolvedBecause: 'Paid by hand.',
    }
    const answer = await resolve(one.id)
    assert.deepEqual([answer.status, answer.body], [200, expected])
    now += 1000
    const again = await resolve(one.id, { reason: '  Paid by hand. ' })
    assert.deepEqual([again.status, again.body], [200, expected])
    assert.deepEqual((await get('/cases?state=resolved')).body.items, [expected])
    const lines = logger.lines.filter(({ event }) => event === 'case.resolved')
    assert.equal(lines.length, 1)
    assert.deepEqual([lines[0]?.fields.caseId, lines[0]?.fields.principal], [one.id, 'operator'])
  })

  it('are not resolved a second time in other words, by others, or after they were applied', async () => {
    const one = await opened()
    await resolve(one.id)
    for (const again of [
      await resolve(one.id, { reason: 'Something else.' }),
      await resolve(one.id, undefined, 'colleague'),
    ])
      assert.deepEqual([again.status, again.body.code], [409, 'case-resolved'])
    const other = await opened()
    await cases.settle(other.receipt)
    const late = await resolve(other.id)
    assert.equal(late.status, 409)
    assert.match(late.body.detail, /Its callback was applied at 2027-01-10T/)
    const shown = (await get(`/cases/${other.id}`)).body
    assert.deepEqual([shown.state, shown.resolution, shown.resolvedBy], ['resolved', 'applied', undefined])
    assert.equal((await resolve(caseIdOfReceipt(ids.receiptId()))).status, 404)
  })

  it('ask for their scopes', async () => {
    const { id } = await opened()
    for (const path of ['/cases', `/cases/${id}`]) {
      assert.equal((await get(path, 'ledger')).status, 403, path)
      assert.equal((await get(path, 'colleague')).status, 403, path)
      assert.equal((await get(path, 'nobody')).status, 401, path)
    }
    assert.equal((await resolve(id, undefined, 'viewer')).body.code, 'missing-scope')
    assert.equal((await cases.find(id))?.state, 'open')
  })

  it('refuse what is off, and name it', async () => {
    const { id } = await opened()
    for (const body of [
      {},
      { reason: ' ' },
      { reason: 'a\nb' },
      { reason: 'a\u2028b' },
      { reason: 'a\u0000' },
      { reason: 'x'.repeat(501) },
      { reason: 7 },
      { reason: 'a', by: 'b' },
      { reason: 'a', action: 'give-up' },
      { reason: 'a', action: 'keep-ours' },
      { reason: 'a', receipt: ids.receiptId() },
    ]) {
      assert.equal((await resolve(id, body)).status, 422, JSON.stringify(body))
    }
    for (const query of [
      'state=odd',
      'limit=0',
      'limit=1001',
      'after=case-1',
      'after=1.x',
      'x=1',
      'account=',
    ]) {
      assert.equal((await get(`/cases?${query}`)).status, 422, query)
    }
    assert.equal((await cases.find(id))?.state, 'open')
    const patched = await request(app).patch(`/v1/cases/${id}`).set('authorization', 'Bearer operator')
    assert.deepEqual([patched.status, patched.headers.allow], [405, 'GET, HEAD'])
  })

  describe('of what is held', () => {
    const accountNumber = '5550001234'

    async function held(): Promise<{ transfer: string; id: string; receipts: string[] }> {
      const reference = newReference()
      const beneficiary = {
        kind: 'bank',
        bankCode: '002',
        accountNumber: '7770004321',
        name: 'Jane Roe',
      } as const
      const { id } = await registerIn(store, reference, { beneficiary })
      const reconcile = createTestReconcile(store)
      const receipts = [
        disbursement({ reference, accountNumber: '7770004321', accountName: 'Jane Roe' }),
        disbursement({ reference, accountNumber, accountName: 'Jane Roe', amount: '1.00', status: 'fail' }),
      ].map((said) => receiptOf(describeDisbursement(said)))
      for (const receipt of receipts) await reconcile.applyOne(receipt)
      const { hold } = await findTransfer(store, id)
      return { transfer: id, id: hold?.case ?? '', receipts: receipts.map((receipt) => receipt.id) }
    }

    it('are shown with both sides, no number whole, and what differs', async () => {
      const { transfer, id, receipts } = await held()
      const { body } = await get(`/cases/${id}`, 'clerk')
      const { ours, known, theirs } = body.sides
      assert.deepEqual([body.kind, body.intent, body.code], ['held', transfer, 'amount-differs'])
      assert.deepEqual([ours.state, ours.held, ours.receipt], ['succeeded', true, receipts[0]])
      assert.deepEqual(ours.amount, { value: '25000.00', currency: 'IDR' })
      assert.deepEqual(ours.beneficiary, { accountNumber: '****4321', name: 'Jane Roe' })
      assert.deepEqual([known.receipt, known.differs], [receipts[0], []])
      const [first] = theirs
      assert.deepEqual([first.receipt, first.status, first.source], [receipts[1], 'failed', 'callback'])
      assert.deepEqual(first.amount, { value: '1.00', currency: 'IDR' })
      assert.equal(first.beneficiary.accountNumber, '****1234')
      assert.equal(first.occurredAt, '2025-01-09T17:54:48.000Z')
      assert.deepEqual(first.differs, ['status', 'amount', 'accountNumber'])
      const text = JSON.stringify(body)
      assert.ok(!text.includes(accountNumber) && !text.includes('7770004321'))
    })

    it('show names to who may read transfers alone, and lists show neither side', async () => {
      const { id } = await held()
      const { body } = await get(`/cases/${id}`)
      assert.deepEqual(body.sides.ours.beneficiary, { accountNumber: '****4321' })
      assert.ok(!JSON.stringify(body).includes('Jane'))
      const [listed] = (await get('/cases')).body.items
      assert.deepEqual([listed.id, listed.sides], [id, undefined])
    })

    it('say of what was erased that it was', async () => {
      const { transfer, id } = await held()
      await store.vault.forget((await findTransfer(store, transfer as TransferId)).personal.person)
      const { ours, known, theirs } = (await get(`/cases/${id}`, 'clerk')).body.sides
      assert.deepEqual(ours.beneficiary, { erased: true })
      assert.deepEqual([known.erased, theirs[0].erased], [true, true])
      const answer = await resolve(id, { reason: 'Checked.', action: 'take-theirs' })
      assert.deepEqual([answer.status, answer.body.code], [409, 'cannot-resolve'])
    })

    it('are resolved by an action, once', async () => {
      const { transfer, id, receipts } = await held()
      const needed = await resolve(id, { reason: 'Checked.' })
      assert.equal(needed.status, 422)
      assert.deepEqual(
        needed.body.errors.map(({ path, code }: { path: string; code: string }) => [path, code]),
        [['action', 'required']],
      )
      const asked = { reason: 'Checked.', action: 'take-theirs', receipt: receipts[1] }
      for (let i = 0; i < 2; i++) {
        const { status, body } = await resolve(id, asked)
        assert.equal(status, 200)
        assert.deepEqual([body.state, body.action, body.taken], ['resolved', 'take-theirs', receipts[1]])
        assert.equal(body.resolvedBy, 'operator')
      }
      const other = await resolve(id, { reason: 'Checked.', action: 'keep-ours' })
      assert.deepEqual([other.status, other.body.code], [409, 'case-resolved'])
      const after = await findTransfer(store, transfer as TransferId)
      assert.deepEqual([after.state, after.hold], ['failed', undefined])
    })
  })
})
