/** What works on cases, on a test's store, with the test's own Zenospay account unless it says otherwise. */
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { createCases } from '../../src/store/cases.ts'
import { createDeliveriesOf } from '../../src/store/deliveries-of.ts'
import { createDeliveryHistory } from '../../src/store/delivery-history.ts'
import { createOpenBody } from '../../src/store/receipts.ts'
import { createSubscriptions } from '../../src/store/subscriptions.ts'
import { createReadTrail } from '../../src/store/trail.ts'
import { type Logger, silentLogger } from '../../src/telemetry/logger.ts'
import { createCaseReceipts } from '../../src/workers/case-receipts.ts'
import { createReadSides } from '../../src/workers/case-sides.ts'
import { createObserve } from '../../src/workers/observe.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createResolveCase, type ResolveCaseDeps } from '../../src/workers/resolve-case.ts'
import { createReadTimeline } from '../../src/workers/timeline.ts'
import { digestFact, digestPerson, keyring, type TestStore } from './store.ts'
import { testAccount } from './zenospay.ts'

export interface TestCaseOptions {
  clock?: () => number
  logger?: Logger
  providers?: ReadonlyMap<string, AccountProvider>
  /** What is made ready is applied at once by this; otherwise it waits. */
  reconcile?: Reconcile
  intents?: ResolveCaseDeps['intents']
}

export type TestCaseParts = ReturnType<typeof createTestCaseParts>

export function createTestCaseParts(store: TestStore, options: TestCaseOptions = {}) {
  const { clock = Date.now, logger = silentLogger, reconcile } = options
  const providers = options.providers ?? new Map([[testAccount.id, createZenospay(testAccount)]])
  const { redis, keys, vault } = store
  const intents = store.intents
  const cases = createCases({ redis, keys, clock })
  const deliveriesOf = createDeliveriesOf({
    subscriptions: createSubscriptions({ redis, keys, sealer: keyring, clock }),
    history: createDeliveryHistory({ redis, keys, clock, limits: { historyMs: 60_000, logMs: 60_000 } }),
  })
  const receipts = createCaseReceipts({
    intents,
    openBody: createOpenBody({ keys, sealer: keyring, vault }),
    observe: createObserve({ providers, sealer: keyring, digestPerson, digestFact }),
    sealer: keyring,
  })
  const pumpReady = async () =>
    reconcile ? store.ready.pump(async (ready) => void (await reconcile.applyAll(ready))) : 0
  const deps = { cases, intents: options.intents ?? intents, receipts, pumpReady, clock, logger }
  return {
    provider: createZenospay(testAccount),
    cases,
    resolve: createResolveCase(deps),
    readSides: createReadSides({ intents, vault, receipts }),
    readTimeline: createReadTimeline({
      intents,
      cases,
      receipts,
      readTrail: createReadTrail(store),
      deliveriesOf,
    }),
  }
}
