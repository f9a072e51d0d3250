/**
 * Without a configuration file Tallyhook plays both sides: the keys of a make-believe provider and merchant, the seal
 * keys and the API token are made once and kept in the data directory. Two processes that start together end up with
 * the same ones.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { scopes } from '../domain/scopes.ts'
import { fileSchema } from './file-schema.ts'
import { invalidConfiguration } from './invalid.ts'
import { toDeliveries } from './read-file.ts'
import { createSandboxAccounts } from './sandbox-accounts.ts'
import type { Settings } from './settings.ts'

const identitySchema = z.object({
  account: z.string(),
  partnerId: z.string(),
  currency: z.string(),
  /** The make-believe provider's: signs callbacks. */
  providerPrivateKey: z.string(),
  /** The make-believe merchant's: signs requests to the provider. */
  merchantPrivateKey: z.string(),
  apiToken: z.string(),
  sealKey: z.string(),
  indexKey: z.string(),
})
export type SandboxIdentity = z.output<typeof identitySchema>

export function readSandboxIdentity(dataDir: string): SandboxIdentity {
  const file = join(dataDir, 'sandbox.json')
  const text = readIfThere(file) ?? create(dataDir, file)
  try {
    return identitySchema.parse(JSON.parse(text))
  } catch (cause) {
    throw invalidConfiguration(file, 'It is not readable; remove it to have a new one made.', cause)
  }
}

export function createSandboxSettings(identity: SandboxIdentity, providerUrl?: string): Settings {
  return {
    accounts: createSandboxAccounts(identity, providerUrl),
    callbacks: { trustedProxies: 0, sources: new Map() },
    tokens: [
      {
        id: 'sandbox',
        sha256: createHash('sha256').update(identity.apiToken).digest('hex'),
        scopes: [...scopes],
      },
    ],
    ops: {},
    seal: {
      keys: [{ id: 'sandbox', key: new Uint8Array(Buffer.from(identity.sealKey, 'base64')) }],
      indexKey: new Uint8Array(Buffer.from(identity.indexKey, 'base64')),
    },
    durability: { fsync: 'always', replicas: 0, onWeaker: 'refuse' },
    quarantine: { keep: 1000, days: 30 },
    retention: { logMs: 90 * 86_400_000, auditMs: 3650 * 86_400_000 },
    deliveries: toDeliveries(fileSchema.shape.deliveries.parse(undefined)),
    archive: {},
    partitions: 8,
    // The make-believe providers are on this machine.
    outbound: { allow: ['127.0.0.0/8', '::1/128'], http: true },
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalidConfiguration(file, 'It cannot be read.', error)
  }
}

/** Written whole under another name and linked into place: whoever comes second reads what the first one made. */
function create(dataDir: string, file: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  writeFileSync(draft, JSON.stringify(makeIdentity(), null, 2), { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8')
}

function makeIdentity(): SandboxIdentity {
  return {
    account: 'zeno-sandbox',
    partnerId: 'sandbox-client',
    currency: 'IDR',
    providerPrivateKey: makeRsaKey(),
    merchantPrivateKey: makeRsaKey(),
    apiToken: `sandbox-${randomBytes(24).toString('base64url')}`,
    sealKey: randomBytes(32).toString('base64'),
    indexKey: randomBytes(32).toString('base64'),
  }
}

function makeRsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
