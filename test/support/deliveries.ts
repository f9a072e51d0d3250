/** What was tried and what is sent again, in the API, on a test's own store; with a subscription that takes every event. */
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import request from 'supertest'
import { createDeliveryParts, createDeliveryRoutesOf } from '../../src/compose/deliveries.ts'
import { createSubscription, disableSubscription } from '../../src/domain/decide-subscription.ts'
import type { DeliveryNote } from '../../src/domain/delivery.ts'
import { eventIdOf, type IntentId, type RunId, type SubscriptionId } from '../../src/domain/ids.ts'
import type { Line } from '../../src/domain/line.ts'
import type { Subscription } from '../../src/domain/subscription.ts'
import { createApiApp } from '../../src/http/api/app.ts'
import { createTokens } from '../../src/http/tokens.ts'
import { createSubscriptions } from '../../src/store/subscriptions.ts'
import { createMemoryLogger } from './log.ts'
import { day, ids, keyring, registerIn, type TestStore } from './store.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
export const testEpoch = Buffer.from('an epoch.').toString('base64url')

export function createDeliveryApp(store: TestStore) {
  const { redis, keys, log } = store
  const logger = createMemoryLogger()
  const limits = { historyMs: 14 * day, logMs: 90 * day }
  const subscriptions = createSubscriptions({ redis, keys, sealer: keyring, clock: Date.now })
  const parts = createDeliveryParts({ redis, keys, limits, log, epoch: testEpoch, logger })
  const { authenticate } = createTokens([
    { id: 'risk', sha256: sha256('risk'), scopes: ['subscriptions:write'] },
    { id: 'ledger', sha256: sha256('ledger'), scopes: ['events:read'] },
  ])
  const app: Express = createApiApp({
    routes: createDeliveryRoutesOf(parts, { subscriptions, authenticate }),
    ops: Router(),
    authenticate,
    redisState: () => ({ state: 'ok' as const }),
    clock: Date.now,
    logger,
  })
  const pathOf = ({ id }: { id: string }, path: string) => `/v1/subscriptions/${id}${path}`

  return {
    parts,
    subscriptions,
    logger,
    get: (of: { id: string }, path: string, token = 'risk') =>
      request(app).get(pathOf(of, path)).set('authorization', `Bearer ${token}`),
    post: (of: { id: string }, path: string, body: object = {}, token = 'risk') =>
      request(app).post(pathOf(of, path)).set('authorization', `Bearer ${token}`).send(body),

    async subscribe(fields: Partial<Pick<Subscription, 'types' | 'accounts' | 'missed'>> = {}) {
      const id = ids.subscriptionId()
      const { missed = [], ...rest } = fields
      const { after, fact } = createSubscription(
        {
          id,
          url: 'https://hooks.example/',
          types: [],
          accounts: [],
          live: { run: ids.runId(), from: await log.newest() },
          createdBy: 'risk',
          ...rest,
          secret: subscriptions.sealSecret(id, 'whsec_secret'),
        },
        Date.now(),
      )
      return subscriptions.create({ after: { ...after, missed }, fact }, { source: 'operator', by: 'risk' })
    },

    async disable(id: SubscriptionId) {
      await subscriptions.change(id, { source: 'operator' }, (before) => {
        const step = disableSubscription(before, { because: 'by-person' }, Date.now())
        return step ? [step] : []
      })
    },

    /** An event, and where it lies. */
    async publish(reference: string): Promise<{ subject: IntentId; position: string; partition: number }> {
      const { id } = await registerIn(store, reference)
      const partition = keys.partitionOf(id)
      const position = (await log.newest())[partition] ?? '0-0'
      return { subject: id, position, partition }
    },

    /** As a turn notes it, with the lines it leaves. */
    async note(
      { id, live }: Subscription,
      { subject, position, partition }: { subject: IntentId; position: string; partition: number },
      fields: Partial<DeliveryNote> & { line?: Partial<Line>; run?: RunId } = {},
    ): Promise<void> {
      const { line, ...given } = fields
      const event = eventIdOf(subject, 1)
      const type = 'tallyhook.transfer.registered.v1'
      const at = Date.now()
      const run = given.run ?? live.run
      const note: DeliveryNote = {
        event,
        type,
        subject,
        position,
        run,
        number: 1,
        outcome: 'delivered',
        attempt: { at, tookMs: 12, status: 200 },
        ...given,
      }
      const after: Line | undefined = line && {
        events: [{ position, id: event, type }],
        attempts: 1,
        nextAt: at + 60_000,
        ...line,
      }
      const lines = after ? [{ subject, text: '', after }] : []
      await parts.runs.commitLines({ partition, run }, { subscription: id, lines, notes: [note], at })
    },
  }
}

export type DeliveryApp = ReturnType<typeof createDeliveryApp>
