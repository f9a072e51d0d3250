import assert from 'node:assert/strict'
import { Router } from 'express'
import request from 'supertest'
import { lookAtTokens } from '../../src/cli/doctor/tokens.ts'
import { createTokenRoutes } from '../../src/http/api/tokens.ts'
import { createTokens } from '../../src/http/tokens.ts'
import { createKeys } from '../../src/store/keys.ts'
import { createTokenUse } from '../../src/store/token-use.ts'
import { createApiApp } from '../support/api-app.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { sha256 } from '../support/small-api.ts'
import { until } from '../support/until.ts'

const day = 86_400_000

describe('API tokens', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  it('are refused once they have ended, and their sessions with them', () => {
    let now = 1_000
    const tokens = createTokens(
      [{ id: 'ci', sha256: sha256('ci'), scopes: ['ops:read'], expiresAt: 5_000 }],
      {
        clock: () => now,
      },
    )
    assert.equal(tokens.authenticate('ci')?.id, 'ci')
    assert.equal(tokens.principalById('ci')?.id, 'ci')
    now = 5_000
    assert.equal(tokens.authenticate('ci'), null)
    assert.equal(tokens.principalById('ci'), null)
  })

  it('say when they were last used, noted once a minute', async () => {
    const redis = await clients.open()
    let now = Date.now()
    const use = createTokenUse({ redis, keys: createKeys(uniquePrefix(), 2), clock: () => now })
    const entries = [
      { id: 'clerk', sha256: sha256('clerk'), scopes: ['ops:read' as const], expiresAt: now + day },
      { id: 'idle', sha256: sha256('idle'), scopes: ['events:read' as const] },
    ]
    const { authenticate } = createTokens(entries, { clock: () => now, onUse: use.note })
    const app = createApiApp({
      routes: [createTokenRoutes({ authenticate, tokens: entries, use, clock: () => now })],
      ops: Router(),
      authenticate,
      redisState: () => ({ state: 'ok' }),
      clock: Date.now,
      logger: createMemoryLogger(),
    })
    const list = () => request(app).get('/v1/tokens').set('authorization', 'Bearer clerk')
    await list()
    const first = new Date(now).toISOString()
    await until('the use to be noted', async () => (await use.lastUsed()).has('clerk'))
    now += 30_000
    const { body } = await list()
    assert.deepEqual(body, {
      items: [
        {
          id: 'clerk',
          scopes: ['ops:read'],
          expiresAt: new Date(entries[0]?.expiresAt ?? 0).toISOString(),
          expired: false,
          lastUsedAt: first,
        },
        { id: 'idle', scopes: ['events:read'], expired: false },
      ],
      next: null,
    })
    now += 30_000
    await list()
    await until('the next use', async () => (await use.lastUsed()).get('clerk') === now)
    assert.equal((await request(app).get('/v1/tokens').set('authorization', 'Bearer idle')).status, 403)
  })

  it('are named by the doctor from two weeks before they end', () => {
    const now = Date.now()
    const token = (id: string, expiresAt?: number) => ({ id, sha256: '', scopes: [], expiresAt })
    const tokens = [token('a'), token('b', now + 20 * day), token('c', now + 10 * day), token('d', now - day)]
    const found = lookAtTokens({ tokens }, now)
    assert.deepEqual(
      found.map(({ about, outcome }) => [about, outcome]),
      [
        ['token c', 'warning'],
        ['token d', 'warning'],
      ],
    )
    assert.match(found[0]?.says ?? '', /^It expires at /)
    assert.match(found[1]?.says ?? '', /^It expired at /)
  })
})
