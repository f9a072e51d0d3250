import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { runCases } from '../../src/cli/cases.ts'
import { createDigests, describeFixed } from '../../src/compose/base.ts'
import { loadConfig } from '../../src/config/config.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { createCases } from '../../src/store/cases.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed } from '../../src/store/meta.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { createRegister } from '../../src/store/register.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createVault } from '../../src/store/vault.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { createTestClients } from '../support/redis.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { createTestReconcile, ids, openReceiptOf, registrationOf } from '../support/store.ts'
import { disbursement, newReference, providerKey, testAccount } from '../support/zenospay.ts'

describe('tallyhook cases', () => {
  const keys = createKeys('tallyhook', 8)
  let server: Awaited<ReturnType<typeof startRedisServer>>
  let clients: ReturnType<typeof createTestClients>
  let redis: Redis
  let folder: string
  let env: NodeJS.ProcessEnv
  let said: string

  beforeEach(async () => {
    server = await startRedisServer()
    clients = createTestClients({ kind: 'url', url: server.url })
    redis = await clients.open()
    loadScripts(redis)
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-cases-'))
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
    return runCases(args, env, { out: write, err: write })
  }

  const printed = () => said

  async function opened(openedAt: number): Promise<string> {
    const receipt = ids.receiptId()
    const cases = createCases({ redis, keys, clock: () => openedAt })
    const reason = 'No APIv3 key opens it.'
    await cases.open({ account: testAccount.id, receipt, code: 'callback-not-understood', reason })
    return caseIdOfReceipt(receipt)
  }

  it('lists, shows and resolves', async () => {
    const first = await opened(1_000)
    const second = await opened(2_000)
    assert.equal(await run('list', '--json', '--limit', '1'), 0)
    const { items, next } = JSON.parse(said)
    assert.equal(items[0].id, second)
    assert.equal(await run('list', '--after', next), 0)
    assert.ok(said.includes(first) && !said.includes(second))
    assert.match(said, /callback-not-understood: No APIv3 key opens it\./)
    assert.equal(await run('show', first), 0)
    assert.equal(JSON.parse(said).openedAt, '1970-01-01T00:00:01.000Z')

    assert.equal(await run('resolve', first, '--reason', 'paid by hand', '--by', 'night shift'), 0)
    assert.match(said, /stays where it is/)
    assert.equal(await run('resolve', second, '--reason', 'a test', '--json'), 0)
    assert.equal(JSON.parse(said).resolvedBy, 'cli')
    assert.equal(await run('list', '--state', 'open'), 0)
    assert.equal(said, '')
    assert.equal(await run('list', '--state', 'resolved', '--account', testAccount.id, '--json'), 0)
    assert.deepEqual(
      JSON.parse(said).items.map((one: { id: string; resolvedBy: string }) => [one.id, one.resolvedBy]),
      [
        [second, 'cli'],
        [first, 'night shift'],
      ],
    )
    await assert.rejects(run('resolve', first, '--reason', 'another'), /case-resolved/)
  })

  it('shows both sides of what is held, and decides it', async () => {
    const config = loadConfig(env, false)
    const keyring = createKeyring(config.seal.keys)
    const digests = createDigests(config)
    const vault = createVault({ redis, keys, sealer: keyring, persons: createPersonSealer() })
    const intents = createIntentStore({
      redis,
      keys,
      sealer: keyring,
      vault,
      archive: createMemoryArchive(),
      parkedMax: () => 10,
    })
    const parts = { redis, keys, vault, intents, ready: createReadyReceipts({ redis, keys }) }
    const reference = newReference()
    const id = transferIdOf(testAccount.id, reference)
    const number = '5550001234'
    const sealed = await vault.sealSecrets(id, digests.digestPerson(`bank:${number}`), {
      beneficiary: { kind: 'bank', bankCode: '002', accountNumber: number, name: 'Jane Roe' },
    })
    const event = await registrationOf(parts, reference, { id })
    const intent = { ...event.intent, personal: sealed, payee: { kind: 'bank' } as const }
    await createRegister(parts)({ ...event, intent })
    const reconcile = createTestReconcile(parts, { ...digests, sealer: keyring })
    const paid = { accountNumber: number, accountName: 'Jane Roe' }
    const callbacks = [{ ...paid, amount: '1.00' }, paid]
    for (const fields of callbacks) {
      const receipt = openReceiptOf(describeDisbursement(disbursement({ reference, ...fields })))
      await reconcile.applyOne(receipt)
    }
    const held = (await intents.find(id))?.hold?.case ?? ''

    assert.equal(await run('show', held), 0)
    const { sides } = JSON.parse(printed())
    assert.deepEqual(sides.ours.beneficiary, { accountNumber: '****1234', name: 'Jane Roe' })
    assert.deepEqual(
      sides.theirs.map(({ differs }: { differs: string[] }) => differs),
      [['status', 'amount'], ['status']],
    )
    assert.ok(!printed().includes(number))
    await assert.rejects(run('resolve', held, '--reason', 'checked'), /--action: What is held takes one of/)
    await assert.rejects(run('resolve', held, '--reason', 'checked', '--action', 'burn'), /--action/)
    const keep = ['resolve', held, '--reason', 'checked', '--action', 'keep-ours', '--by', 'night shift']
    assert.equal(await run(...keep), 0)
    assert.match(printed(), /released/)
    assert.equal((await intents.find(id))?.hold, undefined)
    await parts.ready.pump(async (receipts) => void (await reconcile.applyAll(receipts)))
    assert.equal((await intents.find(id))?.state, 'succeeded', 'what came meanwhile was true')
    assert.equal(await run(...keep), 0, 'the same again is the same')
  })

  it('says what is off with the words, and touches nothing under another configuration', async () => {
    const id = await opened(1_000)
    for (const args of [[], ['burn'], ['show'], ['resolve'], ['list', 'x'], ['show', 'a', 'b']])
      assert.equal(await run(...args), 2, args.join(' '))
    await assert.rejects(run('list', '--limit', 'x'), /--limit/)
    await assert.rejects(run('list', '--state', 'odd'), /--state: it must be open or resolved/)
    await assert.rejects(run('list', '--after', 'x'), /--after/)
    await assert.rejects(run('resolve', id), /--reason: It is required/)
    await assert.rejects(run('resolve', id, '--reason', 'a\nb'), /--reason: It must be one line/)
    await assert.rejects(run('show', 'case-1'), /not-found/)
    assert.equal(await run('--help'), 0)
    await redis.hset(keys.meta, 'seal:k1', 'another')
    await assert.rejects(run('list'), /k1 is not the one/)
  })
})
