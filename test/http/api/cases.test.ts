import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import type { Redis } from 'ioredis'
import request from 'supertest'
import { caseIdOf } from '../../../src/domain/case.ts'
import { createApiApp } from '../../../src/http/api/app.ts'
import { createCaseRoutes } from '../../../src/http/api/cases.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import type { Cases } from '../../../src/store/cases.ts'
import { createTestCases } from '../../support/cases.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients } from '../../support/redis.ts'
import { ids } from '../../support/store.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('cases in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let cases: Cases
  let app: Express
  let logger: ReturnType<typeof createMemoryLogger>
  let now: number

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    now = Date.parse('2027-01-10T00:00:00Z')
    ;({ cases } = createTestCases(redis, { clock: () => now }))
    logger = createMemoryLogger()
    const { authenticate } = createTokens([
      { id: 'operator', sha256: sha256('operator'), scopes: ['ops:read', 'ops:act'] },
      { id: 'colleague', sha256: sha256('colleague'), scopes: ['ops:act'] },
      { id: 'viewer', sha256: sha256('viewer'), scopes: ['ops:read'] },
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:read'] },
    ])
    const routes = [createCaseRoutes({ authenticate, cases, logger })]
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
      id: caseIdOf(receipt),
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
    for (const id of [caseIdOf(ids.receiptId()), 'case-1', one.receipt])
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
    await cases.settle(other.account, other.receipt)
    const late = await resolve(other.id)
    assert.equal(late.status, 409)
    assert.match(late.body.detail, /Its callback was applied at 2027-01-10T/)
    const shown = (await get(`/cases/${other.id}`)).body
    assert.deepEqual([shown.state, shown.resolution, shown.resolvedBy], ['resolved', 'applied', undefined])
    assert.equal((await resolve(caseIdOf(ids.receiptId()))).status, 404)
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
})
