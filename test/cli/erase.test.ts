import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { stringify } from 'yaml'
import { createArchiveReader } from '../../src/archive/reader.ts'
import { runErase } from '../../src/cli/erase.ts'
import { runRequery } from '../../src/cli/requery.ts'
import { describeFixed } from '../../src/compose/base.ts'
import { loadConfig } from '../../src/config/config.ts'
import { describePerson } from '../../src/domain/person.ts'
import type { TransferSecrets } from '../../src/domain/transfer.ts'
import { createDigest, createKeyring, deriveKey } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed, noteAccounts } from '../../src/store/meta.ts'
import { createRegister } from '../../src/store/register.ts'
import { createVault } from '../../src/store/vault.ts'
import { collect } from '../support/archive.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { createTestClients } from '../support/redis.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { createTestStore, registrationOf } from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const number = '7301-0055-9812'
const beneficiary = { kind: 'bank', bankCode: '002', accountNumber: number, name: 'Ratna Wulandari' } as const

describe('commands over everything that is kept', () => {
  let folder: string
  let server: Awaited<ReturnType<typeof startRedisServer>>
  let clients: ReturnType<typeof createTestClients>
  let redis: Redis
  let env: NodeJS.ProcessEnv
  let said: { out: string; err: string }
  const output = {
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
  }

  beforeEach(async () => {
    said = { out: '', err: '' }
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-erase-'))
    server = await startRedisServer()
    clients = createTestClients({ kind: 'url', url: server.url })
    redis = await clients.open()
    const key = () => randomBytes(32).toString('base64')
    const content = {
      accounts: [
        {
          id: 'zeno-main',
          provider: 'zenospay',
          partnerId: 'client-key',
          providerPublicKeys: [pair.publicKey.export({ type: 'spki', format: 'pem' })],
          currency: 'IDR',
        },
      ],
      api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
      seal: { keys: [{ id: 'k1', key: key() }], indexKey: key() },
    }
    writeFileSync(join(folder, 'tallyhook.yaml'), stringify(content))
    env = {
      TALLYHOOK_CONFIG: join(folder, 'tallyhook.yaml'),
      TALLYHOOK_DATA_DIR: folder,
      REDIS_URL: server.url,
    }
  })
  afterEach(async () => {
    clients.closeAll()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** As the service left it: one transfer that is pending. */
  async function fill() {
    const config = loadConfig(env, false)
    const base = createTestStore(redis)
    const keys = createKeys('tallyhook', 8)
    await checkFixed(redis, keys, describeFixed(config))
    await noteAccounts(redis, keys, ['zeno-main'])
    const sealer = createKeyring(config.seal.keys)
    const vault = createVault({ redis, keys, sealer, persons: createPersonSealer() })
    const archive = createMemoryArchive()
    const intents = createIntentStore({ redis, keys, sealer, vault, archive, parkedMax: () => 1 })
    const register = createRegister({ redis, keys, intents })
    const person = createDigest(deriveKey(config.seal.indexKey, 'person'))(describePerson('bank', number))
    const event = await registrationOf({ ...base, vault }, newReference(), {
      beneficiary,
      account: 'zeno-main',
    })
    const { id } = event.intent
    const personal = await vault.sealSecrets(id, person, { beneficiary })
    const intent = { ...event.intent, personal }
    await register({ ...event, intent })
    return { keys, vault, intent }
  }

  describe('erase', () => {
    it('only counts until it is told to, and then erases and notes who did it and why', async () => {
      const { vault, intent } = await fill()
      const args = ['--account-number', '730100559812']
      assert.equal(await runErase([...args, '--json'], env, output), 0)
      assert.deepEqual(JSON.parse(said.out), {
        outcome: 'looked',
        keys: 1,
        intents: 1,
        parked: 0,
        failedJobs: 0,
        quarantined: 0,
        waiting: 0,
        unread: 0,
      })
      assert.ok(await vault.openSecrets<TransferSecrets>(intent))
      said.out = ''
      const told = [...args, '--yes', '--reason', 'asked for on 3 March', '--by', 'dewi']
      const inTheWay = join(folder, 'archive')
      writeFileSync(inTheWay, '')
      await assert.rejects(runErase(told, env, output), /archive/)
      assert.ok(await vault.openSecrets(intent), 'what cannot be put on record is not done')
      rmSync(inTheWay)
      assert.equal(await runErase(told, env, output), 0)
      assert.match(said.out, / 1 {2}keys\n.*Erased\.\n$/s)
      assert.equal(await vault.openSecrets(intent), undefined)
      const lines = await collect(
        createArchiveReader({ dir: join(folder, 'archive') }).find({ kind: 'erasure' }),
      )
      assert.deepEqual(
        lines.map(({ line }) => (line.data as { phase: string }).phase),
        ['begun', 'done'],
      )
      const noted = lines.at(-1)
      assert.ok(noted)
      const data = noted.line.data as Record<string, unknown>
      assert.deepEqual([data.by, data.reason, data.named], ['dewi', 'asked for on 3 March', 'account-number'])
      for (const text of [said.out, said.err, JSON.stringify(noted.line)]) {
        assert.ok(!text.includes('730100559812') && !text.includes(number), text)
      }
    })

    it('refuses what is not one person, or has no reason', async () => {
      for (const args of [
        [],
        ['--openid', ''],
        ['--openid', 'a', '--customer', 'b'],
        ['--customer', 'b', 'c'],
      ])
        assert.equal(await runErase(args, env, output), 2)
      await assert.rejects(runErase(['--openid', 'o', '--yes'], env, output), /--reason/)
      await assert.rejects(runErase(['--openid', 'o', '--yes', '--reason', ' '], env, output), /--reason/)
      await assert.rejects(runErase(['--what'], env, output), /what/)
      assert.equal(await runErase(['--help'], env, output), 0)
    })

    it('is not finished while callbacks wait for a worker', async () => {
      const { keys } = await fill()
      const config = loadConfig(env, false)
      const id = 'rc-00000000000000000000000000'
      const body = createKeyring(config.seal.keys).seal(Buffer.from(`{"n":"${number}"}`), `receipt:${id}`)
      await redis.hset(keys.ready(0), id, JSON.stringify({ id, account: 'zeno-main', body }))
      const args = ['--account-number', number, '--yes', '--reason', 'r']
      assert.equal(await runErase(args, env, output, { pause: async () => {} }), 1)
      assert.match(said.out, /Not all is done\.\n1 callbacks wait for a worker/)
    })
  })

  describe('requery', () => {
    it('only counts until it is told to', async () => {
      const { keys, intent } = await fill()
      const watch = keys.watch(keys.partitionOf(intent.id), intent.account)
      await redis.del(watch)
      assert.equal(await runRequery([], env, output), 0)
      assert.equal(said.out, '1 of 1 are not settled.\n  zeno-main  1\nNothing was changed. --yes asks.\n')
      assert.equal(await redis.exists(watch), 0)
      said.out = ''
      assert.equal(await runRequery(['--yes', '--json', '--account', 'zeno-main'], env, output), 0)
      assert.equal(JSON.parse(said.out).unsettled, 1)
      assert.ok(Number(await redis.zscore(watch, intent.id)) <= Date.now())
    })

    it('knows the accounts that there ever were', async () => {
      await fill()
      await assert.rejects(
        runRequery(['--account', 'zeno-mian'], env, output),
        /there never was an account zeno-mian/,
      )
      await assert.rejects(runRequery(['now'], env, output), /now/)
    })
  })
})
