/** API tokens are known by their SHA-256 alone, so that a leaked configuration lets nobody in. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from './principal.ts'

export interface TokenEntry extends Principal {
  /** Hex. */
  sha256: string
  /** From then on it is refused, and its sessions are over. */
  expiresAt?: number | undefined
}

export interface Tokens {
  authenticate(token: string): Principal | null
  principalById(id: string): Principal | null
}

export interface TokensOptions {
  clock?: () => number
  /** It was used. */
  onUse?: (id: string) => void
}

export function createTokens(entries: readonly TokenEntry[], options: TokensOptions = {}): Tokens {
  const { clock = Date.now, onUse = () => {} } = options
  const known = entries.map(({ id, scopes, sha256, expiresAt = Number.POSITIVE_INFINITY }) => ({
    expiresAt,
    principal: { id, scopes, tokenId: sha256.slice(0, 16) },
    digest: Buffer.from(sha256, 'hex'),
  }))
  return {
    authenticate(token) {
      const digest = createHash('sha256').update(token).digest()
      let found: (typeof known)[number] | undefined
      // Every entry is compared, so the time says nothing about which one it was.
      for (const entry of known) if (timingSafeEqual(entry.digest, digest)) found = entry
      if (!found || found.expiresAt <= clock()) return null
      onUse(found.principal.id)
      return found.principal
    },
    principalById: (id) => {
      const found = known.find(({ principal }) => principal.id === id)
      return found && found.expiresAt > clock() ? found.principal : null
    },
  }
}
