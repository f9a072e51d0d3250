import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import request from 'supertest'
import { createCallbackReplayRoutes } from '../../../src/http/api/callback-replays.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createApiApp } from '../../support/api-app.ts'
import { createReplayWorld, type ReplayWorld } from '../../support/replaying.ts'
import { registerIn } from '../../support/store.ts'
import { newReference, testAccount } from '../../support/zenospay.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('replays of callbacks in the API', () => {
  let world: ReplayWorld
  let app: Express

  beforeEach(async () => {
    world = await createReplayWorld()
    const { authenticate } = createTokens([
      { id: 'operator', sha256: sha256('operator'), scopes: ['ops:read', 'ops:act'] },
      { id: 'viewer', sha256: sha256('viewer'), scopes: ['ops:read'] },
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:write'] },
    ])
    const routes = [createCallbackReplayRoutes({ authenticate, callbackReplays: world.replays })]
    const redisState = () => ({ state: 'ok' as const })
    app = createApiApp({
      routes,
      ops: Router(),
      authenticate,
      redisState,
      clock: Date.now,
      logger: silentLogger,
    })
  })
  afterEach(() => world.stop())

  const get = (path: string, token = 'viewer') =>
    request(app).get(`/v1${path}`).set('authorization', `Bearer ${token}`)
  const post = (path: string, body: object, token = 'operator') =>
    request(app).post(`/v1${path}`).set('authorization', `Bearer ${token}`).send(body)

  async function failOne(): Promise<string> {
    const reference = newReference()
    await registerIn(world.store, reference)
    world.breakWith('The status "settled" is not known.')
    await world.callBack({ reference })
    world.mend()
    return reference
  }

  it('plans, begins, shows how far it has come, and does what it planned', async () => {
    const reference = await failOne()
    const query = { account: testAccount.id, code: 'callback-not-understood', since: '2026-01-01T00:00:00Z' }
    const dry = await post('/replays', { query, dryRun: true }, 'viewer')
    assert.equal(dry.status, 200)
    assert.deepEqual(dry.body.outcomes, { applied: 1 })
    assert.equal(dry.body.intents[0].reference, reference)
    assert.deepEqual((await get('/replays')).body.items, [], 'a dry run is not kept')
    world.startRunner()
    const begun = await post('/replays', { query, reason: 'It is mended.', perSecond: 100 })
    assert.equal(begun.status, 202)
    assert.deepEqual(begun.body.plan, dry.body)
    await world.ended(begun.body.id)
    const shown = await get(String(begun.headers.location).replace('/v1', ''))
    const { state, by, reason, done, outcomes, failures } = shown.body
    assert.deepEqual([state, by, reason, done], ['done', 'operator', 'It is mended.', 1])
    assert.deepEqual([outcomes, failures], [{ applied: 1 }, []])
    assert.equal(shown.body.query.since, '2026-01-01T00:00:00.000Z')
    assert.equal((await get('/replays')).body.items.length, 1)
  })

  it('is aborted and resumed', async () => {
    await failOne()
    const { body } = await post('/replays', { query: {}, reason: 'It is mended.' })
    assert.equal((await post(`/replays/${body.id}/abort`, {})).body.state, 'aborted')
    const resumed = await post(`/replays/${body.id}/resume`, {})
    assert.deepEqual([resumed.status, resumed.body.state], [202, 'running'])
    world.startRunner()
    await world.ended(body.id)
    assert.equal((await post(`/replays/${body.id}/abort`, {})).body.state, 'done')
    assert.equal((await post(`/replays/${body.id}/resume`, {})).body.code, 'replay-ended')
  })

  it('refuses who may not, and what is not valid', async () => {
    await failOne()
    const whole = { query: {}, reason: 'It is mended.' }
    assert.equal((await post('/replays', whole, 'viewer')).body.code, 'missing-scope')
    assert.equal((await post('/replays', whole, 'ledger')).body.code, 'missing-scope')
    assert.equal((await get('/replays', 'ledger')).body.code, 'missing-scope')
    assert.equal((await post('/replays/rp-1/abort', {}, 'viewer')).body.code, 'missing-scope')
    assert.equal((await post('/replays/rp-1/abort', {})).body.code, 'not-found')
    assert.equal((await get('/replays/rp-1')).body.code, 'not-found')
    const faults: [object, string][] = [
      [{ query: {} }, 'reason'],
      [{ query: {}, reason: 'two\nlines' }, 'reason'],
      [{ reason: 'x' }, 'query'],
      [{ ...whole, perSecond: 0 }, 'perSecond'],
      [{ ...whole, query: { since: 'yesterday' } }, 'query.since'],
      [{ ...whole, query: { code: 'unheard-of' } }, 'query.code'],
      [{ ...whole, query: { refrence: 'x' } }, 'query.refrence'],
      [{ ...whole, query: { ids: [] } }, 'query.ids'],
    ]
    for (const [body, path] of faults) {
      const answer = await post('/replays', body)
      assert.equal(answer.status, 422, path)
      assert.equal(answer.body.errors[0].path, path)
    }
    assert.deepEqual((await get('/replays')).body.items, [])
  })
})
