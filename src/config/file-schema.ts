/** The configuration file as it is written. What its secrets hold is looked at in a second step (`read-file.ts`). */
import { isIP } from 'node:net'
import { z } from 'zod'
import { scopes } from '../domain/scopes.ts'
import { accountSchema } from './accounts/accounts.ts'
import { secret, text } from './accounts/common.ts'
import { opsSchema } from './ops.ts'

const sealKey = z.strictObject({
  id: text.regex(/^[A-Za-z0-9_-]{1,32}$/, 'It must be letters, digits, _ and -.'),
  key: secret,
})

const token = z.strictObject({
  id: text.regex(/^[A-Za-z0-9_.-]{1,64}$/, 'It must be letters, digits, _, . and -.'),
  sha256: text.regex(/^[0-9a-f]{64}$/, 'It must be the SHA-256 of the token in lower-case hex.'),
  scopes: z
    .array(z.enum(scopes, `It must be one of: ${scopes.join(', ')}.`))
    .min(1, 'It needs at least one scope.'),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'It must be a time, as 2027-06-30T00:00:00Z.' })
    .optional(),
})

const network = text.refine(isNetwork, 'It must be a network, as 10.20.0.0/16 or fd00:1::/32.')

export const fileSchema = z.strictObject(
  {
    accounts: z
      .array(accountSchema, { error: 'It is required: a list of accounts.' })
      .min(1, 'It needs at least one account.'),
    callbacks: z
      .strictObject({
        trustedProxies: z
          .int('It must be a whole number.')
          .min(0, 'It must be 0 or more.')
          .max(10, 'It must be 10 at most.')
          .default(0),
      })
      .prefault({}),
    ops: opsSchema.prefault({}),
    api: z.strictObject({ tokens: z.array(token).min(1) }),
    seal: z.strictObject(
      { keys: z.array(sealKey).min(1), indexKey: secret },
      { error: 'It is required: keys and an indexKey.' },
    ),
    durability: z
      .strictObject({
        fsync: z.enum(['always', 'everysec']).default('always'),
        replicas: z.int().min(0).max(10).default(0),
        onWeaker: z.enum(['refuse', 'warn']).default('refuse'),
      })
      .prefault({}),
    quarantine: z
      .strictObject({
        keep: z.int().min(1).max(100_000).default(1000),
        days: z.int().min(1).max(3650).default(30),
      })
      .prefault({}),
    retention: z
      .strictObject({
        logDays: z.int().min(1).max(3650).default(90),
        /** Of the audit log. */
        auditDays: z.int().min(30).max(36_500).default(3650),
      })
      .prefault({}),
    deliveries: z
      .strictObject({
        timeoutSeconds: z.int().min(1).max(60).default(15),
        retryHours: z.int().min(1).max(720).default(72),
        disableAfterHours: z.int().min(1).max(2160).default(120),
        /** For how long what was tried can be looked at. */
        historyDays: z.int().min(1).max(365).default(14),
        /** Requests at once to one endpoint, of each process. */
        concurrency: z.int().min(1).max(256).default(32),
      })
      .prefault({}),
    archive: z.strictObject({ dir: text.min(1, 'It must be the path of a folder.').optional() }).prefault({}),
    partitions: z.int().min(1).max(256).default(8),
    outbound: z
      .strictObject({ allow: z.array(network).default([]), http: z.boolean().default(false) })
      .prefault({}),
  },
  {
    error: (issue) => (issue.code === 'invalid_type' ? 'It is empty, or no mapping of settings.' : undefined),
  },
)
export type ConfigFile = z.output<typeof fileSchema>

function isNetwork(network: string): boolean {
  const [, address = '', prefix] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(network) ?? []
  const version = isIP(address)
  return version !== 0 && Number(prefix) <= (version === 4 ? 32 : 128)
}
