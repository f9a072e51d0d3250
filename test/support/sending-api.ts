/** The API for registering, sending and asking, with accounts that can call their provider and one that cannot. */
import type { AccountTerms } from '../../src/http/api/account-terms.ts'
import { createBatchRoutes } from '../../src/http/api/batches.ts'
import { createCancelRoutes } from '../../src/http/api/cancel.ts'
import { createCouponRoutes } from '../../src/http/api/coupons.ts'
import { createSubmissionRoutes } from '../../src/http/api/submissions.ts'
import { createTransferRoutes } from '../../src/http/api/transfers.ts'
import type { Client } from '../../src/providers/client.ts'
import { createMembers } from '../../src/store/members.ts'
import { accounts as terms } from './batch-app.ts'
import { batchesOf } from './batches.ts'
import { createMemoryLogger } from './log.ts'
import { authenticate, createSmallApi, sha256 } from './small-api.ts'
import { digestPerson, type TestStore } from './store.ts'

type Calls = Pick<Client, 'orders' | 'questions'>

const singly: Calls = {
  orders: new Set(['reserve', 'pay']),
  questions: new Set(['transfer', 'collection']),
}
const inBatches: Calls = {
  orders: new Set(['pay-batch', 'grant']),
  questions: new Set(['batch', 'batch-page', 'transfer', 'coupon']),
}
const askedAlone: Calls = { orders: new Set(), questions: new Set(['transfer']) }

export const accounts = new Map<string, AccountTerms>([
  ['zeno-test', withCalls('zeno-test', singly)],
  ['wx-test', { ...withCalls('wx-test', inBatches), coupons: true }],
  ['wx-quiet', { ...withCalls('wx-test'), coupons: true }],
  ['acme', withCalls('acme', askedAlone)],
  ['quiet', withCalls('zeno-test')],
])

function withCalls(account: string, client?: Calls): AccountTerms {
  const known = terms.get(account)
  if (!known) throw new Error(`There are no terms of ${account}.`)
  return { ...known, client }
}

export function createSendingApi(store: TestStore, intents: TestStore['intents'] = store.intents) {
  const logger = createMemoryLogger()
  const deps = {
    ...store,
    intents,
    batches: batchesOf(store, store.redis),
    members: createMembers(store),
    authenticate,
    accounts,
    digestPerson,
    digestContent: sha256,
    unavailable: () => undefined,
    pumpReady: async () => 0,
    clock: Date.now,
    logger,
  }
  const routes = [
    createTransferRoutes(deps),
    createBatchRoutes(deps),
    createCouponRoutes(deps),
    createSubmissionRoutes(deps),
    createCancelRoutes(deps),
  ]
  return createSmallApi(routes, logger)
}
