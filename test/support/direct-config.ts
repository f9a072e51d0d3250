/** A configuration file and a Redis behind it, for commands that work without a service; and what the service left there. */
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDigests, describeFixed } from '../../src/compose/base.ts'
import { loadConfig } from '../../src/config/config.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed } from '../../src/store/meta.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { createRegister } from '../../src/store/register.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createVault } from '../../src/store/vault.ts'
import { createMemoryArchive } from './memory-archive.ts'
import { createTestClients } from './redis.ts'
import { startRedisServer } from './redis-server.ts'
import { createTestReconcile, openReceiptOf, registrationOf } from './store.ts'
import { disbursement, providerKey, testAccount } from './zenospay.ts'

const keys = createKeys('tallyhook', 8)

export type DirectConfig = Awaited<ReturnType<typeof openDirectConfig>>

export async function openDirectConfig() {
  const server = await startRedisServer()
  const clients = createTestClients({ kind: 'url', url: server.url })
  const redis = await clients.open()
  loadScripts(redis)
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-direct-'))
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
  const env = { TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, REDIS_URL: server.url }
  const config = loadConfig(env, false)
  await checkFixed(redis, keys, describeFixed(config))

  return {
    redis,
    keys,
    env,
    async close() {
      clients.closeAll()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },

    /** A transfer to this account number, and what its provider says of it. */
    async register(reference: string, accountNumber: string) {
      const sealer = createKeyring(config.seal.keys)
      const digests = createDigests(config)
      const vault = createVault({ redis, keys, sealer, persons: createPersonSealer() })
      const archive = createMemoryArchive()
      const intents = createIntentStore({ redis, keys, sealer, vault, archive, parkedMax: () => 10 })
      const parts = { redis, keys, vault, intents, ready: createReadyReceipts({ redis, keys }) }
      const id = transferIdOf(testAccount.id, reference)
      const sealed = await vault.sealSecrets(id, digests.digestPerson(`bank:${accountNumber}`), {
        beneficiary: { kind: 'bank', bankCode: '002', accountNumber, name: 'Jane Roe' },
      })
      const event = await registrationOf(parts, reference, { id })
      const intent = { ...event.intent, personal: sealed, payee: { kind: 'bank' } as const }
      await createRegister(parts)({ ...event, intent })
      const reconcile = createTestReconcile(parts, { ...digests, sealer })
      const say = async (fields: Parameters<typeof disbursement>[0]) => {
        const paid = { reference, accountNumber, accountName: 'Jane Roe', ...fields }
        await reconcile.applyOne(openReceiptOf(describeDisbursement(disbursement(paid))))
      }
      const pump = () => parts.ready.pump(async (receipts) => void (await reconcile.applyAll(receipts)))
      return { id, intents, say, pump }
    },
  }
}
