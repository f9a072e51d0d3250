import assert from 'node:assert/strict'
import { Router } from 'express'
import request from 'supertest'
import { operations } from '../../../src/http/api/operations.ts'
import { createDocumentRoutes } from '../../../src/http/documents/routes.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createApiApp } from '../../support/api-app.ts'

describe('the documents over HTTP', () => {
  const app = createApiApp({
    routes: [],
    ops: Router(),
    documents: createDocumentRoutes({ operations, version: '1.2.3' }),
    authenticate: () => null,
    redisState: () => ({ state: 'ok' }),
    clock: Date.now,
    logger: silentLogger,
  })

  it('need no token, and say of which version they are', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json']) {
      const { status, type, body } = await request(app).get(path)
      assert.deepEqual([status, type, body.info.version], [200, 'application/json', '1.2.3'])
    }
  })

  it('the page may run what stands in it, and nothing else', async () => {
    const { headers, text } = await request(app).get('/docs')
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';/)
    assert.doesNotMatch(policy, /unsafe|https?:|\*/)
    assert.doesNotMatch(text, / (?:src|style|on\w+)="/)
    assert.doesNotMatch(text, /href="https?:/)
  })

  it('are only read', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs']) {
      const refused = await request(app).post(path)
      assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET, HEAD'])
      assert.equal((await request(app).head(path)).status, 200)
    }
  })
})
