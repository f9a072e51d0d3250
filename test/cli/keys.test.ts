import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { stringify } from 'yaml'
import { resealAll } from '../../src/cli/keys/reseal.ts'
import { runKeys } from '../../src/cli/keys.ts'
import { describeFixed } from '../../src/compose/base.ts'
import { loadConfig } from '../../src/config/config.ts'
import { fingerprint } from '../../src/config/secrets.ts'
import type { TransferSecrets } from '../../src/domain/transfer.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createKeyUsage } from '../../src/store/key-usage.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed } from '../../src/store/meta.ts'
import { createRegister } from '../../src/store/register.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createVault } from '../../src/store/vault.ts'
import { createTestClients } from '../support/redis.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { createTestStore, registerIn, type TestStore } from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const sealKeys = Object.fromEntries(
  ['k1', 'k2'].map((id) => [id, randomBytes(32).toString('base64')]),
) as Record<'k1' | 'k2', string>
const indexKey = randomBytes(32).toString('base64')

describe('tallyhook keys', () => {
  let folder: string
  let said: { out: string; err: string }
  const output = {
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-keys-'))
    said = { out: '', err: '' }
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function environment(sealIds: ('k1' | 'k2')[], env: NodeJS.ProcessEnv = {}, fields: object = {}) {
    const file = join(folder, `${sealIds.join('-')}.yaml`)
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
      seal: { keys: sealIds.map((id) => ({ id, key: sealKeys[id] })), indexKey },
      ...fields,
    }
    writeFileSync(file, stringify(content))
    return { TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, ...env }
  }
  const keys = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
    said = { out: '', err: '' }
    return runKeys(args, env, output)
  }
  const noSecretsSaid = () => {
    for (const secret of [sealKeys.k1, sealKeys.k2, indexKey])
      assert.ok(!said.out.includes(secret) && !said.err.includes(secret))
  }

  describe('make', () => {
    it('makes a seal key that the configuration takes', async () => {
      assert.equal(await keys(['make', 'seal', '--id', 'k9', '--json']), 0)
      const made = JSON.parse(said.out) as { id: string; secret: string }
      assert.equal(made.id, 'k9')
      const seal = { keys: [{ id: made.id, key: made.secret }], indexKey }
      assert.equal(loadConfig(environment(['k1'], {}, { seal }), false).seal.keys[0]?.id, 'k9')
    })

    it('writes the secret to a file for its owner alone, and overwrites none', async () => {
      for (const kind of ['seal', 'index', 'token', 'hmac', 'rsa', 'ed25519']) {
        const out = join(folder, kind)
        assert.equal(await keys(['make', kind, '--out', out]), 0)
        const secret = readFileSync(out, 'utf8').trim()
        assert.equal(statSync(out).mode & 0o777, 0o600)
        assert.ok(secret.length >= 40 && !said.out.includes(secret), kind)
        assert.ok(said.out.includes(out))
        await assert.rejects(keys(['make', kind, '--out', out]), /not overwritten/)
        assert.equal(readFileSync(out, 'utf8').trim(), secret)
      }
    })

    it('makes pairs that belong together, and shows no private part', async () => {
      for (const kind of ['rsa', 'ed25519']) {
        const out = join(folder, `${kind}.pem`)
        await keys(['make', kind, '--out', out, '--json'])
        const made = JSON.parse(said.out) as { fingerprint: string; publicKey: string }
        const publicKey = createPublicKey(createPrivateKey(readFileSync(out)))
        assert.equal(made.fingerprint, fingerprint(publicKey))
        assert.equal(made.publicKey, publicKey.export({ type: 'spki', format: 'pem' }).toString().trim())
        assert.ok(!said.out.includes('PRIVATE'))
        await assert.rejects(keys(['make', kind]), /needs a file/)
      }
    })

    it('refuses a kind that is none, and an id that is none', async () => {
      assert.equal(await keys(['make', 'dsa']), 2)
      assert.equal(await keys(['make']), 2)
      assert.equal(await keys([]), 2)
      assert.equal(await keys(['burn']), 2)
      assert.equal(await keys(['show', 'me']), 2)
      await assert.rejects(keys(['make', 'seal', '--id', 'a b']), /--id/)
      await assert.rejects(keys(['make', 'seal', '--what']), /what/)
    })

    it('says how it is used', async () => {
      assert.equal(await keys(['--help']), 0)
      for (const word of ['make', 'show', 'check', 'reseal']) assert.ok(said.out.includes(word))
    })
  })

  it('says that no Redis runs, and shows the keys all the same', async () => {
    const env = environment(['k1'])
    assert.equal(await keys(['check'], env), 1)
    assert.match(said.out, /No Redis runs/)
    assert.equal(await keys(['show'], env), 0)
    assert.match(said.err, /No Redis runs/)
    assert.ok(said.out.includes(fingerprint(pair.publicKey)))
    noSecretsSaid()
    await assert.rejects(keys(['reseal'], env), /No Redis runs/)
  })

  describe('on a Redis', () => {
    let server: Awaited<ReturnType<typeof startRedisServer>>
    let clients: ReturnType<typeof createTestClients>
    let redis: Redis
    let url: NodeJS.ProcessEnv
    const store = createKeys('tallyhook', 8)

    beforeEach(async () => {
      server = await startRedisServer()
      clients = createTestClients({ kind: 'url', url: server.url })
      redis = await clients.open()
      url = { REDIS_URL: server.url }
    })
    afterEach(async () => {
      clients.closeAll()
      await server.stop()
    })

    const start = (env: NodeJS.ProcessEnv) => checkFixed(redis, store, describeFixed(loadConfig(env, false)))
    /** As a process with this configuration has it. */
    function storeWith(env: NodeJS.ProcessEnv): TestStore {
      const base = createTestStore(redis)
      const sealer = createKeyring(loadConfig(env, false).seal.keys)
      const vault = createVault({ redis, keys: store, sealer, persons: createPersonSealer() })
      const intents = createIntentStore({ ...base, keys: store, sealer, vault, parkedMax: () => 1 })
      return {
        ...base,
        keys: store,
        vault,
        intents,
        register: createRegister({ redis, keys: store, intents }),
      }
    }
    const reseal = (env: NodeJS.ProcessEnv) => {
      said = { out: '', err: '' }
      return resealAll({ json: true }, env, output, 1)
    }

    it('shows ids and counts', async () => {
      const usage = createKeyUsage({ redis, scripts: loadScripts(redis), keys: store })
      const used = fingerprint(pair.publicKey)
      usage.note('zeno-main', used, Date.parse('2026-01-01T00:00:00Z'))
      usage.note('zeno-main', 'older', 0)
      await usage.flush()
      assert.equal(await keys(['show', '--json'], environment(['k2', 'k1'], url)), 0)
      const shown = JSON.parse(said.out)
      assert.deepEqual(shown.accounts, [
        {
          account: 'zeno-main',
          provider: 'zenospay',
          keys: [
            { keyId: used, configured: true, count: 1, lastUsedAt: '2026-01-01T00:00:00.000Z' },
            { keyId: 'older', configured: false, count: 1, lastUsedAt: '1970-01-01T00:00:00.000Z' },
          ],
        },
      ])
      assert.deepEqual(
        shown.sealKeys.map(({ id, seals }: { id: string; seals: boolean }) => [id, seals]),
        [
          ['k2', true],
          ['k1', false],
        ],
      )
      noSecretsSaid()
    })

    it('checks: a key that is missing, is another, has two names or two purposes, or cannot be read', async () => {
      await start(environment(['k1'], url))
      assert.equal(await keys(['check'], environment(['k1'], url)), 0)
      assert.equal(await keys(['check', '--json'], environment(['k2'], url)), 1)
      assert.match(said.out, /k1 is missing/)
      const seal = (list: [string, string][]) => ({
        seal: { keys: list.map(([id, key]) => ({ id, key })), indexKey },
      })
      const wrong: [[string, string][], RegExp][] = [
        [[['k1', sealKeys.k2]], /k1 is not the one/],
        [
          [
            ['k1', sealKeys.k1],
            ['k3', sealKeys.k1],
          ],
          /It is the same as k1/,
        ],
        [
          [
            ['k1', sealKeys.k1],
            ['k3', indexKey],
          ],
          /It is the index key/,
        ],
        [[['k1', 'AAAA']], /seal\.keys\[0\]\.key: It has 3 bytes/],
      ]
      for (const [list, message] of wrong) {
        assert.equal(await keys(['check'], environment(['k1'], url, seal(list))), 1)
        assert.match(said.out, message)
        noSecretsSaid()
      }
    })

    it('reseals from the old key to the new one, and only then lets the old one go', async () => {
      const old = environment(['k1'], url)
      const added = environment(['k1', 'k2'], url)
      const first = environment(['k2', 'k1'], url)
      const alone = environment(['k2'], url)
      await start(old)
      loadScripts(redis)
      const reference = newReference()
      const transfer = await registerIn(storeWith(old), reference)

      await start(added)
      await assert.rejects(start(alone), /k1 is missing/)
      // The service does not seal with the new one yet.
      await assert.rejects(reseal(first), /the service seals with k1/)
      await assert.rejects(reseal(alone), /k1 is missing/)
      await start(first)
      await assert.rejects(start(alone), /k1 is missing/)

      assert.equal(await reseal(first), 0)
      const result = JSON.parse(said.out)
      assert.deepEqual([result.outcome, result.current, result.retired], ['clean', 'k2', ['k1']])
      assert.deepEqual(result.moved, {
        parked: 0,
        ready: 0,
        quarantine: 0,
        jobs: 0,
        persons: 1,
        subscriptions: 0,
      })
      assert.match(said.err, /pass 1: 1 moved/)
      noSecretsSaid()

      await start(first)
      await start(alone)
      const opened = await storeWith(alone).vault.openSecrets<TransferSecrets>(transfer)
      assert.equal(opened?.beneficiary.name, 'John Doe')
    })

    it('lets no key go while something cannot be opened', async () => {
      await start(environment(['k1'], url))
      const first = environment(['k2', 'k1'], url)
      await start(first)
      await redis.set(store.person(0, 'broken'), 's1.k1.AAAA')
      assert.equal(await reseal(first), 1)
      const result = JSON.parse(said.out)
      assert.equal(result.outcome, 'not-opened')
      assert.equal(result.failed[0].key, store.person(0, 'broken'))
      assert.deepEqual(result.retired, [])
      await assert.rejects(start(environment(['k2'], url)), /k1 is missing/)
    })
  })
})
