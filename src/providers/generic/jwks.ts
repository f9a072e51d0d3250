/**
 * Keys from a JWKS URL, through jose: fetched when first needed, kept, at most one request in flight, and after a fetch
 * a cool-down in which unknown key ids cause no other. Two things are added. A failed fetch has a cool-down too, so that
 * a server that is away is not asked once for each callback. And whether a key is unknown for certain is told apart:
 * only a fetch made for this very callback shows it; else it may be newer than what we hold, and a 401 would lose the
 * callback for good. Keys that got too old while the server is away are not used: the provider is told to come again.
 *
 * jose reads the system's clock for the age of its keys; nothing of a callback's own time is decided by it.
 */

import { createPublicKey, KeyObject } from 'node:crypto'
import { createRemoteJWKSet, customFetch, errors, type JWKSCacheInput, jwksCache } from 'jose'
import type { Fetch } from '../provider.ts'
import type { JwsScheme } from './account.ts'
import { type CandidateKey, fingerprintKey, type KeySource, type Lookup } from './jws-keys.ts'
import type { JwsHeader } from './jws-token.ts'

/** Leaves time for the write within the account's budget. */
const fetchMsMax = 2_500
const failureCoolDownMs = 1_000

/** A token without a key id may fit several keys; each costs a check. */
const candidatesMax = 8

export function createJwksSource(jwks: NonNullable<JwsScheme['jwks']>, fetcher: Fetch): KeySource {
  const coolingDown = new Error('The last fetch failed a moment ago.')
  const held: JWKSCacheInput = {}
  let failedAt = Number.NEGATIVE_INFINITY
  let latest = 0
  let fetches = 0
  const remote = createRemoteJWKSet(new URL(jwks.url), {
    timeoutDuration: fetchMsMax,
    cooldownDuration: jwks.coolDownMs,
    cacheMaxAge: jwks.cacheMs,
    // jose puts every set that it fetches here, each an object of its own: so a fetch that succeeded shows.
    [jwksCache]: held,
    [customFetch]: async (url, options) => {
      if (Math.abs(latest - failedAt) < failureCoolDownMs) throw coolingDown
      fetches++
      return fetcher(url, options)
    },
  })

  async function look(work: () => Promise<CandidateKey[]>, now: number): Promise<Lookup> {
    latest = now
    const before = { jwks: held.jwks, fetches }
    // One that was under way already may have been answered before the newest key was there.
    const isFresh = () => held.jwks !== before.jwks && fetches > before.fetches
    try {
      const keys = await work()
      return { outcome: 'found', keys, fresh: isFresh() }
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return { outcome: isFresh() ? 'unknown' : 'not-loaded' }
      if (error !== coolingDown) failedAt = now
      return { outcome: 'not-loaded' }
    }
  }

  async function select(header: JwsHeader): Promise<CandidateKey[]> {
    try {
      return [toCandidate(await remote(header))]
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      const keys: CandidateKey[] = []
      for await (const key of error) if (keys.push(toCandidate(key)) === candidatesMax) break
      return keys
    }
  }

  return {
    find: (header, now) => look(() => select(header), now),
    renew: (header, now) =>
      look(async () => {
        if (!remote.coolingDown) await remote.reload()
        return select(header)
      }, now),
    ids: () => (remote.jwks()?.keys ?? []).flatMap(idOfJwk),
  }
}

function toCandidate(key: Awaited<ReturnType<ReturnType<typeof createRemoteJWKSet>>>): CandidateKey {
  return { id: () => fingerprintKey(KeyObject.from(key)), key }
}

/** A set may hold keys of kinds that are not known here, which verify nothing. */
function idOfJwk(jwk: object): string[] {
  try {
    return [fingerprintKey(createPublicKey({ key: { ...jwk }, format: 'jwk' }))]
  } catch {
    return []
  }
}
