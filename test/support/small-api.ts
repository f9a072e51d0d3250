/** The API with the routes of one test and three tokens: one that may all, one that reads, one that does neither. */
import { createHash } from 'node:crypto'
import { type Router as ExpressRouter, Router } from 'express'
import request from 'supertest'
import { createTokens } from '../../src/http/tokens.ts'
import { createApiApp } from './api-app.ts'
import { createMemoryLogger } from './log.ts'

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

export const { authenticate } = createTokens([
  { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:read', 'transfers:write'] },
  { id: 'viewer', sha256: sha256('viewer'), scopes: ['transfers:read'] },
  { id: 'clerk', sha256: sha256('clerk'), scopes: ['transfers:read', 'ops:read'] },
  { id: 'other', sha256: sha256('other'), scopes: ['events:read', 'ops:read'] },
])

export function createSmallApi(routes: ExpressRouter[], logger = createMemoryLogger()) {
  const redisState = () => ({ state: 'ok' as const })
  const app = createApiApp({ routes, ops: Router(), authenticate, redisState, clock: Date.now, logger })
  return {
    logger,
    get: (path: string, token = 'ledger') =>
      request(app).get(`/v1${path}`).set('authorization', `Bearer ${token}`),
    post: (path: string, body: unknown, token = 'ledger') =>
      request(app)
        .post(`/v1${path}`)
        .set('authorization', `Bearer ${token}`)
        .send(body as object),
  }
}
