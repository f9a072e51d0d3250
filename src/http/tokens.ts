/** API tokens are known by their SHA-256 alone, so that a leaked configuration lets nobody in. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from './principal.ts'

export interface TokenEntry extends Principal {
  /** Hex. */
  sha256: string
}

export interface Tokens {
  authenticate(token: string): Principal | null
  principalById(id: string): Principal | null
}

export function createTokens(entries: readonly TokenEntry[]): Tokens {
  const known = entries.map(({ id, scopes, sha256 }) => ({
    principal: { id, scopes, tokenId: sha256.slice(0, 16) },
    digest: Buffer.from(sha256, 'hex'),
  }))
  return {
    authenticate(token) {
      const digest = createHash('sha256').update(token).digest()
      let found: Principal | null = null
      // Every entry is compared, so the time says nothing about which one it was.
      for (const entry of known) if (timingSafeEqual(entry.digest, digest)) found = entry.principal
      return found
    },
    principalById: (id) => known.find(({ principal }) => principal.id === id)?.principal ?? null,
  }
}
