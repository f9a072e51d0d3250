import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { runSubscriptions } from '../../src/cli/subscriptions.ts'
import { describeFixed } from '../../src/compose/base.ts'
import { loadConfig } from '../../src/config/config.ts'
import { createSubscription, disableSubscription } from '../../src/domain/decide-subscription.ts'
import { eventIdOf } from '../../src/domain/ids.ts'
import type { Subscription } from '../../src/domain/subscription.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { createEventLog } from '../../src/store/event-log.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed } from '../../src/store/meta.ts'
import { createRegister } from '../../src/store/register.ts'
import { createRuns } from '../../src/store/runs.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createSubscriptions } from '../../src/store/subscriptions.ts'
import { createVault } from '../../src/store/vault.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { createTestClients } from '../support/redis.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { ids, registrationOf } from '../support/store.ts'
import { newReference, providerKey, testAccount } from '../support/zenospay.ts'

describe('tallyhook subscriptions', () => {
  const keys = createKeys('tallyhook', 8)
  let server: Awaited<ReturnType<typeof startRedisServer>>
  let clients: ReturnType<typeof createTestClients>
  let redis: Redis
  let folder: string
  let env: NodeJS.ProcessEnv
  let said: string
  let subscription: Subscription

  beforeEach(async () => {
    server = await startRedisServer()
    clients = createTestClients({ kind: 'url', url: server.url })
    redis = await clients.open()
    loadScripts(redis)
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-subscriptions-'))
    const file = join(folder, 'tallyhook.json')
    const { id, partnerId } = testAccount
    const providerPublicKeys = [createPublicKey(providerKey).export({ type: 'spki', format: 'pem' })]
    const secret = () => randomBytes(32).toString('base64')
    writeFileSync(
      file,
      JSON.stringify({
        accounts: [{ id, provider: 'zenospay', partnerId, providerPublicKeys, currency: 'IDR' }],
        api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
        seal: { keys: [{ id: 'k1', key: secret() }], indexKey: secret() },
      }),
    )
    env = { TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, REDIS_URL: server.url }
    await checkFixed(redis, keys, describeFixed(loadConfig(env, false)))
    subscription = await subscribe()
  })
  afterEach(async () => {
    clients.closeAll()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (...args: string[]) => {
    said = ''
    const write = (text: string) => {
      said += text
    }
    return runSubscriptions(args, env, { out: write, err: write })
  }

  const subscriptions = () => {
    const sealer = createKeyring(loadConfig(env, false).seal.keys)
    return createSubscriptions({ redis, keys, sealer, clock: Date.now })
  }

  async function subscribe(): Promise<Subscription> {
    const id = ids.subscriptionId()
    const from = await createEventLog({ redis, keys }).newest()
    const step = createSubscription(
      {
        id,
        url: 'https://hooks.example/a-path-that-is-secret',
        types: ['tallyhook.transfer.*'],
        accounts: [],
        live: { run: ids.runId(), from },
        createdBy: 'ledger',
        secret: subscriptions().sealSecret(id, 'whsec_secret'),
      },
      Date.now(),
    )
    return subscriptions().create(step, { source: 'operator' })
  }

  /** Events of transfers. */
  async function publishSome(count: number) {
    const sealer = createKeyring(loadConfig(env, false).seal.keys)
    const vault = createVault({ redis, keys, sealer, persons: createPersonSealer() })
    const archive = createMemoryArchive()
    const intents = createIntentStore({ redis, keys, sealer, vault, archive, parkedMax: () => 10 })
    const register = createRegister({ redis, keys, intents })
    const references = Array.from({ length: count }, newReference)
    return Promise.all(
      references.map(async (reference) => {
        const event = await registrationOf({ vault }, reference)
        await register(event)
        return event.intent.id
      }),
    )
  }

  it('lists them with how their endpoints fare, and never where exactly they are', async () => {
    assert.equal(await run(), 0)
    assert.match(said, new RegExp(`^${subscription.id}  ok \\(nothing was sent yet\\)  hooks\\.example\n$`))
    await subscriptions().change(subscription.id, { source: 'operator' }, (before) => {
      const step = disableSubscription(before, { because: 'by-person', by: 'ledger' }, 1_000)
      return step ? [step] : []
    })
    assert.equal(await run('list'), 0)
    assert.match(said, /disabled \(by-person\) since 1970-01-01T00:00:01\.000Z/)
    assert.equal(await run('list', '--json'), 0)
    const [one] = JSON.parse(said).items
    assert.equal(one.enabled, false)
    assert.equal(one.secrets, undefined)
  })

  it('shows what was tried', async () => {
    const [id] = await publishSome(1)
    assert.ok(id)
    const partition = keys.partitionOf(id)
    const event = eventIdOf(id, 1)
    const note = { event, type: 'tallyhook.transfer.registered.v1', subject: id, position: '1-1', number: 3 }
    const attempt = { at: 1_000, tookMs: 20, status: 500, error: 'status' }
    await createRuns({ redis, keys }).commitLines(
      { partition, run: subscription.live.run },
      {
        subscription: subscription.id,
        lines: [],
        notes: [{ ...note, run: subscription.live.run, outcome: 'skipped', attempt }],
        at: Date.now(),
      },
    )
    assert.equal(await run('deliveries', subscription.id, '--status', 'skipped'), 0)
    const shown = [
      '1970-01-01T00:00:01.000Z',
      'skipped',
      event,
      note.type,
      'attempt 3',
      'status',
      '500',
      '20 ms',
    ]
    assert.equal(said, `${shown.join('  ')}\n`)
    assert.equal(await run('deliveries', subscription.id, '--json', '--limit', '5'), 0)
    assert.equal(JSON.parse(said).items[0].event, event)
    assert.equal(await run('deliveries', subscription.id, '--status', 'delivered'), 0)
    assert.equal(said, '')
  })

  it('counts, and sends again', async () => {
    await publishSome(3)
    const since = ['--since', '2020-01-01T00:00:00Z']
    assert.equal(await run('replay', subscription.id, ...since, '--dry-run'), 0)
    assert.equal(said, '3 events would be sent. Nothing was.\n')
    assert.equal(await run('replay', subscription.id, ...since, '--dry-run', '--json'), 0)
    const dry = JSON.parse(said)
    assert.equal(dry.count, 3)
    const narrower = ['--types', 'tallyhook.transfer.succeeded.v1,tallyhook.transfer.failed.v1']
    assert.equal(await run('replay', subscription.id, '--after', dry.from, ...narrower, '--dry-run'), 0)
    assert.match(said, /^0 events/)
    assert.equal(await run('replay', subscription.id, ...since, '--by', 'night shift'), 0)
    assert.match(said, /3 events are sent now/)
    assert.equal(await run('replays', subscription.id, '--json'), 0)
    const [replay] = JSON.parse(said).items
    assert.deepEqual([replay.state, replay.count, replay.createdBy], ['running', 3, 'night shift'])
    assert.equal(await run('replays', subscription.id), 0)
    assert.match(said, /running {2}0 of 3 delivered, 0 skipped, 0 waiting/)
  })

  it('says what is off, by the option that it came from', async () => {
    const { id } = subscription
    await assert.rejects(run('replay', id), /It needs one of after, since and missed/)
    await assert.rejects(run('replay', id, '--since', 'yesterday'), /--since: It must be a time/)
    await assert.rejects(run('replay', id, '--missed', 'some'), /--missed/)
    await assert.rejects(run('replay', id, '--missed', '0'), /--missed: There is no such stretch/)
    await assert.rejects(run('replay', id, '--after', 'rubbish'), /--after: It is not a cursor/)
    await assert.rejects(run('deliveries', id, '--status', 'done'), /--status: It must be one of/)
    await assert.rejects(run('deliveries', id, '--limit', '0'), /--limit/)
    await assert.rejects(run('deliveries', ids.subscriptionId()), /There is no such subscription/)
    assert.equal(await run('resend', id), 2)
    assert.equal(await run('replay'), 2)
    assert.equal(await run('list', id), 2)
    assert.equal(await run('--help'), 0)
    assert.match(said, /--dry-run/)
  })
})
