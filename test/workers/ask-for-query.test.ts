import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { type AskForQueryDeps, createAskForQuery } from '../../src/workers/ask-for-query.ts'
import { createObserve } from '../../src/workers/observe.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestStore,
  digestFact,
  digestPerson,
  keyring,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('asking for a query', () => {
  const clients = createTestClients()
  const provider = createZenospay(testAccount)
  let redis: Redis
  let store: TestStore
  let logger: ReturnType<typeof createMemoryLogger>

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    logger = createMemoryLogger()
  })
  after(() => clients.closeAll())

  const create = (fields: Partial<AskForQueryDeps> = {}) =>
    createAskForQuery({
      intents: store.intents,
      observe: createObserve({
        providers: new Map([[testAccount.id, provider]]),
        sealer: keyring,
        digestPerson,
        digestFact,
      }),
      clock: () => 1_000,
      logger,
      ...fields,
    })
  const bodyOf = (reference: string) => Buffer.from(describeDisbursement(disbursement({ reference })))

  it('asks once about the transfer of a callback that came too late', async () => {
    const reference = newReference()
    const id = transferIdOf(testAccount.id, reference)
    await registerIn(store, reference)
    const ask = create()
    assert.equal(await ask(provider, bodyOf(reference)), 'wanted')
    assert.equal(await ask(provider, bodyOf(reference)), 'wanted-before')
    const key = store.keys.watch(store.keys.partitionOf(id), testAccount.id)
    assert.deepEqual(await redis.zrange(key, '0', '-1', 'WITHSCORES'), [id, '1000'])
  })

  it('keeps nothing of what it does not understand, nor of a transfer that is not ours', async () => {
    assert.equal(await create()(provider, Buffer.from('junk')), 'failed')
    assert.equal(await create()(provider, bodyOf(newReference())), 'not-registered')
    assert.deepEqual(await redis.keys(`${store.prefix}*`), [])
  })

  it('never throws, and says in the log what was in the way', async () => {
    const broken = async () => {
      throw new Error('away')
    }
    assert.equal(
      await create({ intents: { ...store.intents, find: broken } })(provider, bodyOf('r')),
      'failed',
    )
    const reference = newReference()
    await registerIn(store, reference)
    assert.equal(
      await create({ intents: { ...store.intents, ask: broken } })(provider, bodyOf(reference)),
      'failed',
    )
    assert.deepEqual(
      logger.lines.map(({ event }) => event),
      ['query.not-wanted', 'query.not-wanted'],
    )
  })
})
