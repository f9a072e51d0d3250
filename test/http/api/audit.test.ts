import assert from 'node:assert/strict'
import { type RequestHandler, Router } from 'express'
import request from 'supertest'
import { AppError } from '../../../src/domain/errors.ts'
import { createApiApp } from '../../../src/http/api/app.ts'
import { createAuditRoutes } from '../../../src/http/api/audit.ts'
import { actionNameOf, createDescribeCall } from '../../../src/http/api/audited-calls.ts'
import { requireScope } from '../../../src/http/api/authorize.ts'
import { operations } from '../../../src/http/api/operations.ts'
import { createAudited, noteFacts } from '../../../src/http/audited.ts'
import { createChain } from '../../../src/store/audit-chain.ts'
import { type AuditLog, createAuditLog } from '../../../src/store/audit-log.ts'
import { createAuditReading } from '../../../src/store/audit-reading.ts'
import { createKeys } from '../../../src/store/keys.ts'
import { loadScripts } from '../../../src/store/scripts.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients, uniquePrefix } from '../../support/redis.ts'
import { authenticate } from '../../support/small-api.ts'

const planted = 'planted-secret-value'

describe('what is done through the API is on record', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  async function openWorld(ask?: AuditLog['ask']) {
    const redis = await clients.open()
    loadScripts(redis)
    const deps = { redis, keys: createKeys(uniquePrefix(), 2), chain: createChain(new Uint8Array(32)) }
    const log = createAuditLog({ ...deps, clock: Date.now })
    const reading = createAuditReading(deps)
    const logger = createMemoryLogger()
    const audited = createAudited({
      audit: { ...log, ...(ask && { ask }) },
      describe: createDescribeCall(operations),
      logger,
    })
    const done: string[] = []
    const does =
      (status: number): RequestHandler =>
      (req, res) => {
        done.push(req.path)
        noteFacts(res, { before: { paused: false }, after: { paused: true } })
        res.status(status).json({})
      }
    // What stands in for the routes is as they are: a scope is asked for behind the record.
    const router = Router()
    const mayWrite = requireScope(authenticate, 'transfers:write')
    router.post('/cases/:id/resolve', mayWrite, does(200))
    router.post('/accounts/:id/pause', () => {
      throw new AppError('not-found')
    })
    router.post('/accounts/:id/resume', () => {
      throw new Error('broken')
    })
    router.post('/transfers', does(201))
    router.post('/transfers/search', does(200))
    const app = createApiApp({
      routes: [router, createAuditRoutes({ authenticate, audit: reading })],
      ops: Router(),
      audit: audited.handle,
      authenticate,
      redisState: () => ({ state: 'ok' }),
      clock: Date.now,
      logger,
    })
    const call = (method: 'post' | 'get' | 'put', path: string, token = 'ledger', body: object = {}) => {
      const sent = request(app)[method](path).set('authorization', `Bearer ${token}`)
      return method === 'get' ? sent : sent.send(body)
    }
    async function onRecord() {
      await audited.drain()
      return (await reading.list({ limit: 100 })).entries
    }
    return { call, done, onRecord, logger, reading }
  }

  it('who, what, to what, why, how it ended and what changed', async () => {
    const world = await openWorld()
    const body = { reason: 'the bank\nsaid so', action: 'take-theirs', note: planted }
    const answer = await world.call('post', '/v1/cases/case-abc123/resolve', 'ledger', body)
    assert.equal(answer.status, 200)
    const [entry, ...more] = await world.onRecord()
    assert.deepEqual(more, [])
    const { number: _, at: __, askedAt, asked, ...rest } = entry ?? assert.fail()
    assert.ok(askedAt && asked)
    assert.deepEqual(rest, {
      who: 'ledger',
      via: 'token',
      action: 'case.resolve',
      target: 'case-abc123',
      reason: 'the bank said so',
      request: answer.headers['x-request-id'],
      phase: 'ended',
      outcome: 'done',
      status: 200,
      before: { paused: false },
      after: { paused: true },
    })
    assert.ok(!JSON.stringify(entry).includes(planted))
  })

  it('refused and broken ones too, with their code', async () => {
    const world = await openWorld()
    assert.equal((await world.call('post', '/v1/cases/case-1/resolve', 'viewer')).status, 403)
    assert.equal((await world.call('post', '/v1/accounts/none/pause')).status, 404)
    assert.equal((await world.call('post', '/v1/accounts/zeno/resume')).status, 500)
    assert.deepEqual(
      (await world.onRecord())
        .map(({ who, action, outcome, code }) => [who, action, outcome, code])
        .reverse(),
      [
        ['viewer', 'case.resolve', 'refused', 'missing-scope'],
        ['ledger', 'account.pause', 'refused', 'not-found'],
        ['ledger', 'account.resume', 'failed', 'internal-error'],
      ],
    )
    assert.deepEqual(world.done, [])
  })

  it('what merely registers or searches is not, nor is reading; what nobody has named is', async () => {
    const world = await openWorld()
    await world.call('post', '/v1/transfers')
    await world.call('post', '/v1/transfers/search')
    await world.call('get', '/v1/audit', 'clerk')
    assert.deepEqual(await world.onRecord(), [])
    await world.call('post', '/v1/some/thing')
    await world.call('put', '/v1/transfers')
    await world.call('post', '/v1/Cases/case-1/Resolve/')
    assert.deepEqual((await world.onRecord()).map(({ action }) => action).reverse(), [
      'unknown',
      'unknown',
      'case.resolve',
    ])
  })

  it('what cannot be put on record is not done', async () => {
    const world = await openWorld(async () => {
      throw new Error('the disk is gone')
    })
    const answer = await world.call('post', '/v1/cases/case-1/resolve')
    assert.equal(answer.status, 503)
    assert.equal(answer.body.code, 'not-on-record')
    assert.deepEqual(world.done, [])
    const away = await openWorld(async () => {
      throw new Error("Stream isn't writeable and enableOfflineQueue options is false")
    })
    assert.equal((await away.call('post', '/v1/cases/case-1/resolve')).body.code, 'redis-away')
  })

  it('a word in a path that may be a name is not kept', async () => {
    const world = await openWorld()
    await world.call('post', `/v1/cases/${encodeURIComponent('Jane Roe')}/resolve`)
    const [entry] = await world.onRecord()
    assert.equal(entry?.target, undefined)
    assert.ok(!JSON.stringify(entry).includes('Jane'))
  })

  it('is shown newest first, in pages, to whoever may look', async () => {
    const world = await openWorld()
    for (let i = 0; i < 3; i++) await world.call('post', `/v1/cases/case-${i}/resolve`)
    await world.onRecord()
    assert.equal((await world.call('get', '/v1/audit', 'viewer')).status, 403)
    const first = await world.call('get', '/v1/audit?limit=2', 'clerk')
    assert.deepEqual(
      first.body.items.map(({ target }: { target: string }) => target),
      ['case-2', 'case-1'],
    )
    const rest = await world.call('get', `/v1/audit?limit=2&after=${first.body.next}`, 'clerk')
    assert.deepEqual(
      rest.body.items.map(({ target, outcome }: Record<string, string>) => [target, outcome]),
      [['case-0', 'done']],
    )
    assert.equal((await world.call('get', '/v1/audit?target=case-1', 'clerk')).body.items.length, 1)
    assert.equal((await world.call('get', '/v1/audit?who=nobody', 'clerk')).body.items.length, 0)
    assert.equal((await world.call('get', '/v1/audit?after=x', 'clerk')).status, 422)
    assert.equal((await world.call('put', '/v1/audit', 'clerk')).status, 405)
  })

  it('every call that changes anything has a name', () => {
    const names = operations.filter(({ method }) => method !== 'get').map(({ id }) => actionNameOf(id))
    for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)*\.[a-z]+$/)
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.includes('case.resolve') && names.includes('account.pause'))
  })
})
