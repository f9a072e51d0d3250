/** The API for registering, on a test's own store, with an account of each kind. */
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import request from 'supertest'
import type { AccountTerms } from '../../src/http/api/account-terms.ts'
import { createBatchRoutes } from '../../src/http/api/batches.ts'
import { createSubmissionRoutes } from '../../src/http/api/submissions.ts'
import { createTransferRoutes } from '../../src/http/api/transfers.ts'
import { createTokens } from '../../src/http/tokens.ts'
import { genericLimits } from '../../src/providers/generic/limits.ts'
import { wechatpayLimits } from '../../src/providers/wechatpay/limits.ts'
import { createZenospayLimits } from '../../src/providers/zenospay/limits.ts'
import { createMembers } from '../../src/store/members.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createApiApp } from './api-app.ts'
import { batchesOf } from './batches.ts'
import { digestPerson, type TestStore } from './store.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

export const accounts = new Map<string, AccountTerms>([
  [
    'zeno-test',
    {
      currency: 'IDR',
      beneficiaries: ['bank'],
      referencesUniqueIn: 'account',
      limits: createZenospayLimits({ accountNumberDigitsMax: 12 }),
    },
  ],
  [
    'wx-test',
    {
      currency: 'CNY',
      beneficiaries: ['wechatpay'],
      referencesUniqueIn: 'batch',
      limits: wechatpayLimits,
    },
  ],
  [
    'acme',
    {
      currency: 'EUR',
      beneficiaries: ['bank', 'wechatpay'],
      referencesUniqueIn: 'account',
      limits: genericLimits,
    },
  ],
])

export function createBatchApp(store: TestStore) {
  const { authenticate } = createTokens([
    { id: 'ledger', sha256: sha256('ledger-token'), scopes: ['transfers:read', 'transfers:write'] },
    { id: 'viewer', sha256: sha256('viewer-token'), scopes: ['transfers:read'] },
  ])
  const base = {
    authenticate,
    intents: store.intents,
    vault: store.vault,
    accounts,
    digestPerson,
    digestContent: sha256,
    unavailable: () => undefined,
    pumpReady: async () => 0,
    clock: Date.now,
    logger: silentLogger,
  }
  const batches = batchesOf(store, store.redis)
  const members = createMembers(store)
  const app: Express = createApiApp({
    routes: [
      createTransferRoutes({ ...base, register: store.register, batches }),
      createBatchRoutes({ ...base, batches, members }),
      createSubmissionRoutes(base),
    ],
    ops: Router(),
    authenticate,
    redisState: () => ({ state: 'ok' }),
    clock: Date.now,
    logger: silentLogger,
  })
  const authorization = (token: string) => `Bearer ${token}-token`
  return {
    get: (path: string, token = 'ledger') =>
      request(app).get(path).set('authorization', authorization(token)),
    post: (path: string, content: object, token = 'ledger') =>
      request(app).post(path).set('authorization', authorization(token)).send(content),
  }
}
