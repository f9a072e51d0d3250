import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Router } from 'express'
import request from 'supertest'
import { createRepeatRoutes } from '../../../src/http/api/repeats.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { createRepeatCounts, repeatField } from '../../../src/store/repeat-counts.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createApiApp } from '../../support/api-app.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore } from '../../support/store.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('repeats in the API', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  it('are added up over the partitions, for who may look', async () => {
    const { redis, keys } = createTestStore(await clients.open())
    await redis.hset(keys.repeats(0), repeatField('a', 'identical'), 2, repeatField('a', 'mutated'), 1)
    await redis.hset(keys.repeats(3), repeatField('a', 'identical'), 3, repeatField('b', 're-sent'), 7)
    const { authenticate } = createTokens([
      { id: 'viewer', sha256: sha256('viewer'), scopes: ['ops:read'] },
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:read'] },
    ])
    const repeats = createRepeatCounts({ redis, keys })
    const app = createApiApp({
      routes: [createRepeatRoutes({ authenticate, accounts: ['a', 'c'], repeats })],
      ops: Router(),
      authenticate,
      redisState: () => ({ state: 'ok' as const }),
      clock: Date.now,
      logger: silentLogger,
    })
    const get = (account: string, token = 'viewer') =>
      request(app).get(`/v1/accounts/${account}/repeats`).set('authorization', `Bearer ${token}`)
    assert.deepEqual((await get('a')).body, {
      account: 'a',
      repeats: { identical: 5, 're-sent': 0, mutated: 1 },
    })
    assert.deepEqual((await get('c')).body.repeats, { identical: 0, 're-sent': 0, mutated: 0 })
    assert.equal((await get('b')).status, 404)
    assert.equal((await get('a', 'ledger')).status, 403)
  })
})
