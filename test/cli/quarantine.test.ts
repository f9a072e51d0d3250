import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { stringify } from 'yaml'
import { runQuarantine } from '../../src/cli/quarantine.ts'
import { describeFixed, queuePrefix } from '../../src/compose/base.ts'
import { loadConfig } from '../../src/config/config.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed } from '../../src/store/meta.ts'
import { createQuarantine } from '../../src/store/quarantine.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTestClients } from '../support/redis.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { ids } from '../support/store.ts'
import { providerKey, signedDisbursement, testAccount } from '../support/zenospay.ts'

describe('tallyhook quarantine', () => {
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
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-quarantine-'))
    const file = join(folder, 'tallyhook.yaml')
    const publicPem = createPublicKey(providerKey).export({ type: 'spki', format: 'pem' })
    writeFileSync(
      file,
      stringify({
        accounts: [
          {
            id: testAccount.id,
            provider: 'zenospay',
            partnerId: testAccount.partnerId,
            providerPublicKeys: [publicPem],
            currency: 'IDR',
          },
        ],
        api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
        seal: {
          keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
          indexKey: randomBytes(32).toString('base64'),
        },
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
    return runQuarantine(args, env, { out: write, err: write })
  }

  async function refuse(body?: string): Promise<string> {
    const signed = signedDisbursement()
    const limits = { keep: 10, days: 30 }
    const sealer = createKeyring(loadConfig(env, false).seal.keys)
    const scripts = loadScripts(redis)
    const quarantine = createQuarantine({ redis, scripts, keys, sealer, ids, limits, clock: Date.now })
    await quarantine.keep({
      account: testAccount.id,
      reason: 'signature-wrong',
      source: '192.0.2.1',
      receivedAt: Date.now(),
      digest: 'd',
      path: `/callbacks/${testAccount.id}`,
      headers: Object.fromEntries(Object.entries(signed.headers).map(([k, v]) => [k.toLowerCase(), v])),
      body: Buffer.from(body ?? signed.body),
    })
    const { entries } = await quarantine.list({ accounts: [testAccount.id], limit: 1 })
    return entries[0]?.id ?? ''
  }

  it('lists, shows and accepts', async () => {
    const genuine = await refuse()
    const forged = await refuse('{"planted":1}')
    assert.equal(await run('list', '--json', '--limit', '1'), 0)
    const { items, next } = JSON.parse(said)
    assert.deepEqual([items[0].id, next], [forged, forged])
    assert.equal(await run('list'), 0)
    assert.ok(said.includes(genuine) && said.includes('signature-wrong') && !said.includes('planted'))
    assert.equal(await run('show', forged), 0)
    assert.ok(said.includes('192.0.2.1') && !said.includes('planted'))

    assert.equal(await run('accept', forged), 1)
    assert.match(said, /Still refused: signature-wrong/)
    assert.equal(await run('accept', genuine, '--json'), 0)
    assert.equal(JSON.parse(said).accepted, true)
    const queue = new Queue('callbacks', { connection: redis, prefix: queuePrefix })
    const [job] = await queue.getWaiting()
    assert.deepEqual(
      (job?.data.receipts ?? []).map((receipt: Receipt) => receipt.id),
      [genuine],
    )
    await queue.close()
    await assert.rejects(run('accept', genuine), /not-found/)
  })

  it('says what is off with the words, and touches nothing under another configuration', async () => {
    for (const args of [[], ['burn'], ['show'], ['accept'], ['list', 'x'], ['show', 'a', 'b']])
      assert.equal(await run(...args), 2, args.join(' '))
    await assert.rejects(run('list', '--limit', 'x'), /--limit/)
    assert.equal(await run('--help'), 0)
    await redis.hset(keys.meta, 'seal:k1', 'another')
    await assert.rejects(run('list'), /k1 is not the one/)
  })
})
