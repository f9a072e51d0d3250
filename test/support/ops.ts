/** The operators' pages over a real queue with failed callbacks in it. */
import { createHash, randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import express from 'express'
import { createReplayParts } from '../../src/compose/replay.ts'
import { commonDefaults } from '../../src/config/accounts/common.ts'
import { AppError, asAppError } from '../../src/domain/errors.ts'

import type { Role } from '../../src/domain/roles.ts'
import type { OidcSignIn } from '../../src/http/ops/oidc-sign-in.ts'
import { createLocalOperators } from '../../src/http/ops/operator-sign-in.ts'
import { createOpsRouter } from '../../src/http/ops/router.ts'
import { sendProblem } from '../../src/http/problem.ts'
import { createTokens } from '../../src/http/tokens.ts'
import { callbackQueueName, type JobDraft, singleJob } from '../../src/queue/catalogue.ts'
import { maskJobData } from '../../src/queue/job-data.ts'
import { createPasswords } from '../../src/seal/passwords.ts'
import { createChain } from '../../src/store/audit-chain.ts'
import { createAuditLog } from '../../src/store/audit-log.ts'
import { createAuditReading } from '../../src/store/audit-reading.ts'
import { createKeys } from '../../src/store/keys.ts'
import { createLease } from '../../src/store/lease.ts'
import { createOperators } from '../../src/store/operators.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createSignInFailures } from '../../src/store/sign-in-failures.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import type { BroughtReceipt } from '../../src/workers/observe.ts'
import { createReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { createRunSteps } from '../../src/workers/replay/run.ts'
import { startReplayRunner } from '../../src/workers/replay/runner.ts'
import { createTestCases } from './cases.ts'
import { createMemoryLogger } from './log.ts'
import { createTestClients, uniquePrefix } from './redis.ts'
import { createTestStore, digestFact, digestPerson, ids, keyring, receiptOf } from './store.ts'
import { until } from './until.ts'

export const planted = 'planted-secret-value'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

export interface OpsWorldOptions {
  oidc?: OidcSignIn
}

export async function createOpsWorld(options: OpsWorldOptions = {}) {
  const clients = createTestClients()
  const prefix = `{${uniquePrefix()}}`
  const queue = new Queue(callbackQueueName, { connection: await clients.open(), prefix })
  const logger = createMemoryLogger()
  const world = {
    now: Date.now(),
    removed: new Set<string>(),
    replaced: new Set<string>(),
    understood: false,
  }
  const tokens = createTokens([
    { id: 'operator', sha256: sha256('operator-token'), scopes: ['ops:read', 'ops:act'] },
    { id: 'viewer', sha256: sha256('viewer-token'), scopes: ['ops:read'] },
    { id: 'ledger', sha256: sha256('ledger-token'), scopes: ['events:read'] },
  ])
  const app = express()
  const redis = await clients.open()
  loadScripts(redis)
  const auditKeys = { redis, keys: createKeys(uniquePrefix(), 2), chain: createChain(new Uint8Array(32)) }
  const reading = createAuditReading(auditKeys)
  const operators = createOperators({ ...auditKeys, clock: Date.now })
  // As dear as a test can wait for.
  const passwords = createPasswords({ ln: 10, r: 8, p: 1 })
  const failures = createSignInFailures(auditKeys)
  const store = createTestStore(redis)
  const { jobs, parked, fetch, plans, callbackReplays } = createReplayParts(
    { ...store, keyring, providers: new Map(), digestPerson, digestFact, settingsOf: () => commonDefaults },
    { redis, queue, parts: store, logger },
  )
  const { router, drain } = createOpsRouter({
    operators: createLocalOperators({ operators, passwords, failures }),
    oidc: options.oidc,
    audit: createAuditLog({ ...auditKeys, clock: () => world.now }),
    queues: [queue],
    authenticate: tokens.authenticate,
    principalById: (id) => {
      const principal = tokens.principalById(id)
      if (!principal || world.removed.has(id)) return null
      return world.replaced.has(id) ? { ...principal, tokenId: 'another' } : principal
    },
    sessionKey: new Uint8Array(randomBytes(32)),
    maskJobData,
    callbackReplays,
    clock: () => world.now,
    logger,
  })
  app.use('/ops', router)
  app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) =>
    sendProblem(res, asAppError(error)),
  )

  const applied: string[] = []
  const apply = async (receipt: BroughtReceipt) => {
    if (!world.understood)
      throw new AppError('callback-not-understood', { detail: 'The status "x" is not known.' })
    applied.push(receipt.id)
    return { outcome: 'applied' as const, transferId: 'tr-1' as never }
  }
  const worker = createReconcileWorker({
    reconcile: { applyOne: apply, applyAll: async () => [] },
    sealer: keyring,
    addJobs: (jobs: JobDraft[]) => queue.addBulk(jobs),
    cases: createTestCases(await clients.open()).cases,
    connection: await clients.open(),
    prefix,
    concurrency: 4,
    random: () => 0,
    logger: silentLogger,
  })

  const runner = startReplayRunner({
    plans,
    runSteps: createRunSteps({
      fetch,
      reconcile: {
        applyEach: (receipts) => Promise.all(receipts.map((one) => apply(one).catch(asAppError))),
      },
      jobs,
      parked,
      cases: store.cases,
      logger,
    }),
    leaseOf: (id) => createLease(redis, store.keys.callbackReplay(id, 'lease'), ids.jobId(), 10_000),
    intervalMs: 20,
    clock: Date.now,
    logger,
  })

  return {
    ...world,
    app,
    callbackReplays,
    queue,
    redis,
    logger,
    operators,
    failures,
    async addOperator(name: string, role: Role, password: string) {
      await operators.add({ name, role, password: await passwords.hash(password) })
    },
    applied,
    /** What is on record, newest first. */
    async audited() {
      await drain()
      return (await reading.list({ limit: 100 })).entries
    },
    /** From now on callbacks are understood. */
    mend: () => {
      world.understood = true
    },
    pass: (ms: number) => {
      world.now += ms
    },
    remove: (id: string) => void world.removed.add(id),
    replace: (id: string) => void world.replaced.add(id),
    async addFailed(count: number): Promise<string[]> {
      const receipts = Array.from({ length: count }, () =>
        receiptOf('{}', { headers: { 'x-signature': planted }, body: `s1.k1.${planted}` }),
      )
      await queue.addBulk(receipts.map(singleJob))
      await until('failed jobs', async () => (await queue.getFailedCount()) >= count)
      return receipts.map(({ id }) => id)
    },
    async stop() {
      await runner.stop()
      await worker.stop()
      await queue.close()
      clients.closeAll()
    },
  }
}
export type OpsWorld = Awaited<ReturnType<typeof createOpsWorld>>
