/** The `verify` block of JSON Web Signatures. */
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { invalidConfiguration } from '../invalid.ts'
import type { NamedKey, SecretSources } from '../secrets.ts'
import { headerName, text } from './common.ts'
import { readSecrets, secretEncoding, secretList } from './generic-keys.ts'
import { readPublicKeys } from './generic-public-keys.ts'

const algorithms = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
type Algorithm = (typeof algorithms)[number]

export const jwsSchema = z.strictObject({
  scheme: z.literal('jws'),
  form: z.enum(['compact', 'detached']).default('compact'),
  header: headerName.optional(),
  algorithms: z
    .array(z.enum(algorithms, { error: `It must be one of: ${algorithms.join(', ')}.` }), {
      error: 'It is required: a list of the algorithms that are allowed.',
    })
    .min(1, 'It needs at least one.'),
  secrets: secretList.optional(),
  secretEncoding: secretEncoding.optional(),
  publicKeys: secretList.optional(),
  jwksUrl: text.optional(),
  jwksCacheSeconds: z.int().min(1).max(86_400).optional(),
  jwksCoolDownSeconds: z.int().min(1).max(3_600).optional(),
  timeClaim: z.enum(['iat', 'exp']).optional(),
  timeClaimIn: z.enum(['payload', 'protected']).optional(),
  toleranceSeconds: z.int().min(1).max(86_400).optional(),
})
type JwsFile = z.output<typeof jwsSchema>

export function resolveJws(file: JwsFile, path: string, sources: SecretSources) {
  const { scheme, form, header, algorithms } = file
  if (form === 'detached' && header === undefined)
    throw invalidConfiguration(`${path}.header`, 'A detached JWS stands in a header; it is required.')
  const sourcesGiven = [file.secrets, file.publicKeys, file.jwksUrl].filter((one) => one !== undefined)
  if (sourcesGiven.length !== 1)
    throw invalidConfiguration(path, 'It needs one of secrets, publicKeys and jwksUrl, and only one.')
  checkConfusion(file, path)
  const keys = readKeys(file, path, sources)
  return {
    scheme,
    form,
    header,
    algorithms,
    keys,
    jwks: resolveJwks(file, path),
    window: resolveWindow(file, path),
  }
}

/** Whoever knows a public key could sign with it as if it were a secret (RFC 8725, section 2.1). */
function checkConfusion({ algorithms, secrets }: JwsFile, path: string): void {
  const isShared = (algorithm: Algorithm) => algorithm.startsWith('HS')
  algorithms.forEach((algorithm, index) => {
    if (isShared(algorithm) === (secrets !== undefined)) return
    const sentence = secrets
      ? `${algorithm} is checked with a public key, and secrets are given.`
      : `${algorithm} is checked with a secret; with public keys anybody could forge it.`
    throw invalidConfiguration(`${path}.algorithms[${index}]`, sentence)
  })
}

/** As long as the hash at least (RFC 7518, section 3.2); all of them, as each may be tried under each algorithm. */
function secretBytesMin(algorithms: readonly Algorithm[]): number {
  return Math.max(...algorithms.map((algorithm) => Number(algorithm.slice(2)) / 8))
}

function readKeys(file: JwsFile, path: string, sources: SecretSources): NamedKey[] {
  const { algorithms, secrets, publicKeys, secretEncoding } = file
  if (secretEncoding !== undefined && !secrets)
    throw invalidConfiguration(
      `${path}.secretEncoding`,
      'There are no secrets that it could say something of.',
    )
  if (secrets) {
    const rules = { encoding: secretEncoding ?? 'text', bytesMin: secretBytesMin(algorithms) }
    return readSecrets(secrets, `${path}.secrets`, sources, rules)
  }
  if (!publicKeys) return []
  const keys = readPublicKeys(publicKeys, `${path}.publicKeys`, sources, (key, place) => {
    if (!algorithms.some((algorithm) => fits(algorithm, key)))
      throw invalidConfiguration(place, 'None of the algorithms that are allowed uses such a key.')
  })
  algorithms.forEach((algorithm, index) => {
    if (!keys.some(({ key }) => fits(algorithm, key)))
      throw invalidConfiguration(`${path}.algorithms[${index}]`, `None of the keys is one for ${algorithm}.`)
  })
  return keys
}

const curves: Partial<Record<Algorithm, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

function fits(algorithm: Algorithm, key: KeyObject): boolean {
  if (algorithm === 'EdDSA') return key.asymmetricKeyType === 'ed25519'
  if (/^[RP]S/.test(algorithm)) return key.asymmetricKeyType === 'rsa'
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curves[algorithm]
}

const loopback = ['localhost', '127.0.0.1', '[::1]']

function resolveJwks({ jwksUrl, jwksCacheSeconds, jwksCoolDownSeconds }: JwsFile, path: string) {
  if (jwksUrl === undefined) {
    if (jwksCacheSeconds !== undefined || jwksCoolDownSeconds !== undefined)
      throw invalidConfiguration(path, 'jwksCacheSeconds and jwksCoolDownSeconds belong to a jwksUrl.')
    return undefined
  }
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.includes(url.hostname))
  if (!url || !isSafe || url.username || url.password)
    throw invalidConfiguration(
      `${path}.jwksUrl`,
      'It must be an https URL (http on loopback) without credentials.',
    )
  return {
    url: url.href,
    cacheMs: (jwksCacheSeconds ?? 600) * 1000,
    coolDownMs: (jwksCoolDownSeconds ?? 30) * 1000,
  }
}

function resolveWindow({ timeClaim, timeClaimIn, toleranceSeconds }: JwsFile, path: string) {
  if (timeClaim === undefined) {
    if (timeClaimIn !== undefined || toleranceSeconds !== undefined)
      throw invalidConfiguration(path, 'timeClaimIn and toleranceSeconds belong to a timeClaim.')
    return undefined
  }
  return { claim: timeClaim, in: timeClaimIn ?? 'payload', toleranceMs: (toleranceSeconds ?? 300) * 1000 }
}
