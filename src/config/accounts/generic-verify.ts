/** The `verify` block of a generic account, by its scheme. */
import { z } from 'zod'
import { invalidConfiguration } from '../invalid.ts'
import { readSecret, type SecretSources } from '../secrets.ts'
import { headerName, secret, text } from './common.ts'
import { jwsSchema, resolveJws } from './generic-jws.ts'
import { checkDistinct, nameSecret, readSecrets, readWebhookSecrets, secretList } from './generic-keys.ts'
import { hmacSchema, publicKeySchema, resolveTemplated } from './generic-templated.ts'

const standardWebhooksSchema = z.strictObject({
  scheme: z.literal('standard-webhooks'),
  headerPrefix: text
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'It must be lower-case letters, digits and hyphens.')
    .default('webhook'),
  secrets: secretList,
  toleranceSeconds: z.int().min(1).max(86_400).default(300),
})

const basicSchema = z.strictObject({
  scheme: z.literal('basic'),
  credentials: z
    .array(
      z.strictObject({
        username: text.regex(/^[^:]+$/, 'It may hold no colon.'),
        password: secret,
        id: text.regex(/^[A-Za-z0-9_.-]{1,32}$/, 'It must be letters, digits, _, . and -.').optional(),
      }),
      { error: 'It is required: a list of {username, password}.' },
    )
    .min(1, 'It needs at least one.'),
})

const bearerSchema = z.strictObject({
  scheme: z.literal('bearer'),
  header: headerName.default('authorization'),
  secrets: secretList,
})

const noneSchema = z.strictObject({
  scheme: z.literal('none'),
  iKnow: z.literal(true, {
    error: 'It must be true: nothing is verified, and callbacks only prompt a status query.',
  }),
})

export const verifySchemas = [
  hmacSchema,
  publicKeySchema,
  jwsSchema,
  standardWebhooksSchema,
  basicSchema,
  bearerSchema,
  noneSchema,
] as const

export const verifySchema = z.discriminatedUnion('scheme', verifySchemas, {
  error: (issue) =>
    issue.input === undefined
      ? 'It is required: how callbacks are verified, or {scheme: none, iKnow: true}, and then they only prompt a status query.'
      : 'It must be one of: hmac-sha256, hmac-sha512, jws, standard-webhooks, rsa-sha256, ed25519, basic, bearer, none.',
})

export function resolveVerify(file: z.output<typeof verifySchema>, path: string, sources: SecretSources) {
  switch (file.scheme) {
    case 'hmac-sha256':
    case 'hmac-sha512':
    case 'rsa-sha256':
    case 'ed25519':
      return resolveTemplated(file, path, sources)
    case 'jws':
      return resolveJws(file, path, sources)
    case 'standard-webhooks': {
      const { scheme, headerPrefix, toleranceSeconds } = file
      const keys = readWebhookSecrets(file.secrets, `${path}.secrets`, sources)
      return { scheme, headerPrefix, keys, toleranceMs: toleranceSeconds * 1000 }
    }
    case 'basic':
      return { scheme: file.scheme, keys: readCredentials(file.credentials, `${path}.credentials`, sources) }
    case 'bearer':
      return {
        scheme: file.scheme,
        header: file.header,
        keys: readTokens(file.secrets, `${path}.secrets`, sources),
      }
    case 'none':
      return { scheme: file.scheme }
  }
}

/** Chosen by people more often than drawn, and never seen beside what they sign: shorter ones are taken than of HMAC. */
const passwordBytesMin = 8

function readCredentials(
  credentials: z.output<typeof basicSchema>['credentials'],
  path: string,
  sources: SecretSources,
) {
  const keys = credentials.map((credential, index) => {
    const place = `${path}[${index}].password`
    const password = readSecret(credential.password, place, sources)
    nameSecret(Buffer.from(password), place, { bytesMin: passwordBytesMin }, { id: 'checked' })
    return nameSecret(Buffer.from(`${credential.username}:${password}`), place, { bytesMin: 0 }, credential)
  })
  return checkDistinct(keys, path)
}

function readTokens(secrets: z.output<typeof secretList>, path: string, sources: SecretSources) {
  const keys = readSecrets(secrets, path, sources, { encoding: 'text', bytesMin: 16 })
  keys.forEach(({ key }, index) => {
    if (!/^[\x21-\x7e]+$/.test(key.export().toString('latin1')))
      throw invalidConfiguration(`${path}[${index}]`, 'It holds what no header can carry.')
  })
  return keys
}
