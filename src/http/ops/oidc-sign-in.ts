/**
 * Signing in at a provider of OpenID Connect: authorization code with PKCE, state and nonce, by openid-client. The ID token's
 * signature is checked under the provider's keys, although it comes over TLS from the provider itself. Requests of ours go
 * where outbound rules let them. What is under way lies encrypted in a cookie of ten minutes, so that any process can end it.
 */
import { EncryptJWT, jwtDecrypt } from 'jose'
import * as client from 'openid-client'
import { AppError } from '../../domain/errors.ts'
import { type Role, roles, scopesOfRole } from '../../domain/roles.ts'
import type { Principal } from '../principal.ts'

export interface OidcSettings {
  issuer: string
  clientId: string
  clientSecret?: string | undefined
  redirectUrl: string
  scopes: readonly string[]
  /** A claim, or a pointer into one, as `/realm_access/roles`. */
  rolesClaim: string
  nameClaim: string
  /** What of the claim is which role. */
  roles: Readonly<Record<Role, readonly string[]>>
}

export type OidcAnswer =
  | { outcome: 'signed-in'; principal: Principal; next: string }
  /** What came back does not belong to a sign-in of this browser, or could not be proved. */
  | { outcome: 'not-proved'; why: string }
  | { outcome: 'no-role'; who: string }

export interface OidcSignIn {
  /** Where to send the browser, and what it is to keep until it comes back. */
  begin(next: string): Promise<{ url: string; kept: string }>
  finish(query: string, kept: string | undefined): Promise<OidcAnswer>
  /** Where one signs out at the provider as well; undefined where it has no such page. */
  signOutUrl(): Promise<string | undefined>
}

/** As the rules for requests of ours let it. */
export type OidcFetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<Response>

export interface OidcSignInDeps {
  settings: OidcSettings
  fetch: OidcFetch
  /** 32 bytes, the same in every process. */
  key: Uint8Array
  clock: () => number
}

export const oidcKeptS = 600
const discoveryMs = 3_600_000
const audience = 'tallyhook:oidc'

interface Kept {
  state: string
  nonce: string
  verifier: string
  next: string
}

export function createOidcSignIn({ settings, fetch, key, clock }: OidcSignInDeps): OidcSignIn {
  const discover = createDiscovery(settings, fetch, clock)

  async function keep(kept: Kept): Promise<string> {
    const nowS = Math.floor(clock() / 1000)
    return new EncryptJWT({ ...kept })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setAudience(audience)
      .setExpirationTime(nowS + oidcKeptS)
      .encrypt(key)
  }

  async function open(kept: string | undefined): Promise<Kept | undefined> {
    const options = {
      audience,
      currentDate: new Date(clock()),
      requiredClaims: ['exp'],
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    }
    const opened = await jwtDecrypt<Kept>(kept ?? '', key, options).catch(() => undefined)
    return opened?.payload
  }

  return {
    async begin(next) {
      const config = await discover()
      const kept = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
        next,
      }
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: settings.redirectUrl,
        scope: settings.scopes.join(' '),
        state: kept.state,
        nonce: kept.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(kept.verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, kept: await keep(kept) }
    },

    async finish(query, cookie) {
      const kept = await open(cookie)
      if (!kept) return { outcome: 'not-proved', why: 'nothing-under-way' }
      const config = await discover()
      // Of the request the query alone: host and path are those of the configuration.
      const url = new URL(settings.redirectUrl)
      url.search = query
      const claims = await claimsOf(config, url, kept, settings.rolesClaim).catch(explainRefusal)
      if (typeof claims === 'string') return { outcome: 'not-proved', why: claims }
      const who = claims[settings.nameClaim]
      if (typeof who !== 'string' || !whoPattern.test(who)) return { outcome: 'no-role', who: claims.sub }
      const role = roleOf(readClaim(claims, settings.rolesClaim), settings.roles)
      if (!role) return { outcome: 'no-role', who }
      const principal = { id: who, via: 'oidc' as const, role, scopes: scopesOfRole[role] }
      return { outcome: 'signed-in', principal, next: kept.next }
    },

    async signOutUrl() {
      const config = await discover().catch(() => undefined)
      const endpoint = config?.serverMetadata().end_session_endpoint
      if (!config || endpoint === undefined) return undefined
      return client.buildEndSessionUrl(config, { client_id: settings.clientId }).href
    },
  }
}

/** What stands in the audit log as who did it. */
const whoPattern = /^[\w.@+:|/-]{1,128}$/

type Claims = { sub: string } & Record<string, unknown>

async function claimsOf(
  config: client.Configuration,
  url: URL,
  { state, nonce, verifier }: Kept,
  rolesClaim: string,
): Promise<Claims> {
  const tokens = await client.authorizationCodeGrant(config, url, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  })
  const claims = tokens.claims() as Claims
  const hasUserInfo = config.serverMetadata().userinfo_endpoint !== undefined
  if (readClaim(claims, rolesClaim) !== undefined || !hasUserInfo) return claims
  // Some say there alone who belongs to what.
  return { ...(await client.fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims }
}

/** A provider that is not there is a fault of ours; anything else is a refusal, and its code says which. */
function explainRefusal(error: unknown): string {
  const { code } = Object(error) as { code?: unknown }
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError)
    return `provider-${error.error}`.slice(0, 64)
  const ours = findFault(error)
  if (ours || typeof code !== 'string') throw ours ?? error
  return code.slice(0, 64)
}

/** The library wraps what our requests failed with. */
function findFault(error: unknown): AppError | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof AppError) return one
  return undefined
}

function readClaim(claims: Claims, name: string): unknown {
  if (!name.startsWith('/')) return claims[name]
  const parts = name.slice(1).split('/')
  return parts.reduce<unknown>((value, part) => (Object(value) as Record<string, unknown>)[part], claims)
}

/** The highest that anything of the claim stands for; none where nothing does. */
function roleOf(claim: unknown, wanted: OidcSettings['roles']): Role | undefined {
  const given = [claim].flat().filter((one) => typeof one === 'string')
  return [...roles].reverse().find((role) => wanted[role].some((one) => given.includes(one)))
}

/** Once an hour: a provider's endpoints change seldom, and its keys are looked for by the library where one is not known. */
function createDiscovery(settings: OidcSettings, fetch: OidcFetch, clock: () => number) {
  let found: { at: number; config: Promise<client.Configuration> } | undefined
  return (): Promise<client.Configuration> => {
    if (found && clock() - found.at < discoveryMs) return found.config
    const config = discover(settings, fetch).catch((cause: unknown) => {
      const detail = 'The provider of ops.oidc does not describe itself as it should.'
      throw findFault(cause) ?? new AppError('outbound-failed', { detail, cause })
    })
    const current = { at: clock(), config }
    found = current
    config.catch(() => {
      if (found === current) found = undefined
    })
    return config
  }
}

function discover(settings: OidcSettings, fetch: OidcFetch): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret } = settings
  const isPlain = issuer.startsWith('http:')
  return client.discovery(
    new URL(issuer),
    clientId,
    { [client.clockTolerance]: 30 },
    clientSecret === undefined ? client.None() : bySecret(clientSecret),
    {
      [client.customFetch]: (url: string, init: client.CustomFetchOptions) =>
        fetch(url, {
          method: init.method,
          headers: init.headers,
          ...(init.body !== undefined && init.body !== null && { body: String(init.body) }),
          ...(init.signal && { signal: init.signal }),
        }),
      execute: [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])],
    },
  )
}

/** As the provider takes it; what a specification leaves open is the header. */
function bySecret(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...rest)
  }
}
