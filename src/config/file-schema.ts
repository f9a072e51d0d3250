/** The configuration file as it is written. What its secrets hold is looked at in a second step (`read-file.ts`). */
import { z } from 'zod'
import { scopes } from '../domain/scopes.ts'
import { accountSchema } from './accounts/accounts.ts'
import { secret, text } from './accounts/common.ts'

const sealKey = z.strictObject({
  id: text.regex(/^[A-Za-z0-9_-]{1,32}$/, 'It must be letters, digits, _ and -.'),
  key: secret,
})

const token = z.strictObject({
  id: text.regex(/^[A-Za-z0-9_.-]{1,64}$/, 'It must be letters, digits, _, . and -.'),
  sha256: text.regex(/^[0-9a-f]{64}$/, 'It must be the SHA-256 of the token in lower-case hex.'),
  scopes: z.array(z.enum(scopes)).min(1),
})

export const fileSchema = z.strictObject({
  accounts: z
    .array(accountSchema, { error: 'It is required: a list of accounts.' })
    .min(1, 'It needs at least one account.'),
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
  partitions: z.int().min(1).max(256).default(8),
})
export type ConfigFile = z.output<typeof fileSchema>
