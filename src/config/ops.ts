/** Who signs in to the operators' pages, beside tokens and local operators. */
import { z } from 'zod'
import { roles } from '../domain/roles.ts'
import { secret, text } from './accounts/common.ts'
import { invalidConfiguration } from './invalid.ts'
import { readSecret, type SecretSources } from './secrets.ts'

const callbackPath = '/ops/sign-in/oidc/callback'
const word = text.min(1, 'It is empty.').max(200)
const address = word.refine(isAddress, 'It must be an https URL; plain http is for loopback addresses alone.')
const values = z.array(word).default([])

const oidcSchema = z.strictObject({
  issuer: address,
  clientId: word,
  clientSecret: secret.optional(),
  redirectUrl: address.refine(
    (url) => URL.canParse(url) && new URL(url).pathname === callbackPath && new URL(url).search === '',
    `It must end in ${callbackPath}.`,
  ),
  scopes: z
    .array(word)
    .default(['openid', 'profile'])
    .refine((scopes) => scopes.includes('openid'), 'It must hold openid.'),
  rolesClaim: word,
  nameClaim: word.default('sub'),
  roles: z
    .strictObject({ viewer: values, operator: values, admin: values })
    .refine((wanted) => roles.some((role) => wanted[role].length > 0), 'It names no role.'),
})

export const opsSchema = z.strictObject({ oidc: oidcSchema.optional() })

export interface OpsSettings {
  oidc?:
    | (Omit<z.output<typeof oidcSchema>, 'clientSecret'> & { clientSecret?: string | undefined })
    | undefined
}

export function readOps({ oidc }: z.output<typeof opsSchema>, sources: SecretSources): OpsSettings {
  if (!oidc) return {}
  const path = 'ops.oidc.clientSecret'
  const clientSecret = oidc.clientSecret && readSecret(oidc.clientSecret, path, sources)
  if (oidc.clientSecret !== undefined && !clientSecret) throw invalidConfiguration(path, 'It is empty.')
  return { oidc: { ...oidc, clientSecret } }
}

function isAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname, username, password, hash } = new URL(address)
  if (username !== '' || password !== '' || hash !== '') return false
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback)
}
