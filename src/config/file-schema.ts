/** The configuration file as it is written. What its secrets hold is looked at in a second step (`read-file.ts`). */
import { z } from 'zod'
import { scopes } from '../domain/scopes.ts'

const text = z.string({
  error: (issue) => (issue.input === undefined ? 'It is required.' : 'It must be text; put it in quotes.'),
})

/** A literal, a file (relative to the configuration file's folder), or a variable of the environment. */
const secret = z.union(
  [
    z.string().min(1),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ env: z.string().min(1) }),
  ],
  {
    error: (issue) =>
      issue.input === undefined ? 'It is required.' : 'It must be {file: …}, {env: …} or a literal.',
  },
)
export type Secret = z.output<typeof secret>

const zenospayAccount = z.strictObject({
  id: text.regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'It appears in the callback URL: lower-case letters, digits and hyphens, at most 63.',
  ),
  provider: z.literal('zenospay'),
  partnerId: text.min(1),
  providerPublicKeys: z
    .array(secret, { error: 'It is required: a list of public keys.' })
    .min(1, 'It needs at least one key.'),
  callbackPath: text.regex(/^\/[^?#\s]*$/, 'It is the path alone, as /callbacks/zeno-main.').optional(),
  toleranceSeconds: z.int().min(1).max(86_400).default(300),
  currency: text.regex(/^[A-Z]{3}$/, 'It must be an ISO 4217 code, as IDR.'),
})

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
    .array(zenospayAccount, { error: 'It is required: a list of accounts.' })
    .min(1, 'It needs at least one account.'),
  api: z.strictObject({ tokens: z.array(token).min(1) }),
  seal: z.strictObject(
    { keys: z.array(sealKey).min(1), indexKey: secret },
    { error: 'It is required: keys and an indexKey.' },
  ),
  durability: z
    .strictObject({
      fsync: z.enum(['always', 'everysec']).default('always'),
      onWeaker: z.enum(['refuse', 'warn']).default('refuse'),
    })
    .prefault({}),
  partitions: z.int().min(1).max(256).default(8),
})
export type ConfigFile = z.output<typeof fileSchema>
