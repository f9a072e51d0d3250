/** Secrets of a generic account: each with an id, and none that protects nothing. No message quotes one. */
import { createSecretKey, scryptSync } from 'node:crypto'
import { z } from 'zod'
import { invalidConfiguration } from '../invalid.ts'
import { type NamedKey, readSecret, type SecretSources } from '../secrets.ts'

const id = z.string().regex(/^[A-Za-z0-9_.-]{1,32}$/, 'It must be letters, digits, _, . and -.')

/** As every secret, and with a name of its own where the fingerprint will not do. */
export const namedSecret = z.union(
  [
    z.string().min(1),
    z.strictObject({ file: z.string().min(1), id: id.optional() }),
    z.strictObject({ env: z.string().min(1), id: id.optional() }),
  ],
  { error: 'It must be {file: …}, {env: …}, each with an id or without, or a literal.' },
)
export type NamedSecret = z.output<typeof namedSecret>

export const secretList = z
  .array(namedSecret, { error: 'It is required: a list.' })
  .min(1, 'It needs at least one.')

export const secretEncoding = z.enum(['text', 'hex', 'base64', 'base64url'])
export type SecretEncoding = z.output<typeof secretEncoding>

export interface SecretRules {
  encoding: SecretEncoding
  bytesMin: number
}

export function readSecrets(
  list: readonly NamedSecret[],
  path: string,
  sources: SecretSources,
  rules: SecretRules,
): NamedKey[] {
  const keys = list.map((secret, index) => {
    const place = `${path}[${index}]`
    return nameSecret(
      decodeSecret(readText(secret, place, sources), place, rules.encoding),
      place,
      rules,
      secret,
    )
  })
  return checkDistinct(keys, path)
}

/** `whsec_` and base64, as Standard Webhooks has it. */
export function readWebhookSecrets(
  list: readonly NamedSecret[],
  path: string,
  sources: SecretSources,
): NamedKey[] {
  const keys = list.map((secret, index) => {
    const place = `${path}[${index}]`
    const text = readText(secret, place, sources).replace(/^whsec_/, '')
    return nameSecret(decodeSecret(text, place, 'base64'), place, { bytesMin: 16 }, secret)
  })
  return checkDistinct(keys, path)
}

export function nameSecret(
  bytes: Buffer,
  path: string,
  { bytesMin }: Pick<SecretRules, 'bytesMin'>,
  named: NamedSecret | { id?: string | undefined },
): NamedKey {
  if (bytes.length < bytesMin)
    throw invalidConfiguration(path, `It has ${bytes.length} bytes; at least ${bytesMin} are needed.`)
  if (isGuessable(bytes)) throw invalidConfiguration(path, 'It is easily guessed; make a random one.')
  return { id: idOf(named) ?? fingerprintSecret(bytes), key: createSecretKey(bytes) }
}

export function readText(secret: NamedSecret, path: string, sources: SecretSources): string {
  if (typeof secret === 'string') return readSecret(secret, path, sources)
  return readSecret('env' in secret ? { env: secret.env } : { file: secret.file }, path, sources)
}

export function idOf(secret: NamedSecret | { id?: string | undefined }): string | undefined {
  return typeof secret === 'string' ? undefined : secret.id
}

function decodeSecret(text: string, path: string, encoding: SecretEncoding): Buffer {
  if (encoding === 'text') return Buffer.from(text)
  const bytes = Buffer.from(text, encoding)
  const again = bytes.toString(encoding)
  const written = encoding === 'hex' ? text.toLowerCase() : text.replace(/=+$/, '')
  if (again.replace(/=+$/, '') !== written) throw invalidConfiguration(path, `It is not ${encoding}.`)
  return bytes
}

/**
 * It is logged, so it must not help to guess: a password of few letters would be found from a plain hash. The salt
 * belongs to this use alone, and three letters in four of the digest are left out.
 */
function fingerprintSecret(bytes: Buffer): string {
  return scryptSync(bytes, 'tallyhook:secret-id:v1', 8, { N: 4096, r: 8, p: 1 }).toString('hex').slice(0, 12)
}

const words = [
  'changeme',
  'secret',
  'password',
  'passwort',
  'token',
  'test',
  'example',
  'tallyhook',
  'admin',
  'default',
]
const guessable = new RegExp(`^(?:${words.join('|')}|your|my|key|webhook|hmac|[^a-z])+$`)

/** Nothing but well-known words and digits in a row, or hardly any different characters. */
function isGuessable(bytes: Buffer): boolean {
  if (new Set(bytes).size < 4) return true
  const text = bytes.toString('latin1').toLowerCase()
  return /^[\x20-\x7e]+$/.test(text) && words.some((word) => text.includes(word)) && guessable.test(text)
}

export function checkDistinct(keys: NamedKey[], path: string): NamedKey[] {
  const seen = new Set<string>()
  keys.forEach(({ id }, index) => {
    if (seen.has(id))
      throw invalidConfiguration(`${path}[${index}]`, `It is there twice, or its id is (${id}).`)
    seen.add(id)
  })
  return keys
}
