/** The tokens of the configuration, without what they are. */
import { Router } from 'express'
import { z } from 'zod'
import { scopes } from '../../domain/scopes.ts'
import { formatTime } from '../../domain/time.ts'
import type { TokenUse } from '../../store/token-use.ts'
import type { Principal } from '../principal.ts'
import type { TokenEntry } from '../tokens.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'

export interface TokenRoutesDeps {
  authenticate(token: string): Principal | null
  tokens: readonly Pick<TokenEntry, 'id' | 'scopes' | 'expiresAt'>[]
  use: Pick<TokenUse, 'lastUsed'>
  clock: () => number
}

const tokenSchema = z.strictObject({
  id: z.string(),
  scopes: z.array(z.enum(scopes)),
  expiresAt: z.iso.datetime().optional(),
  expired: z.boolean(),
  lastUsedAt: z.iso
    .datetime()
    .optional()
    .meta({ description: 'To the minute; missing: never that anybody knows.' }),
})
export type TokenResource = z.output<typeof tokenSchema>

export function createTokenRoutes({ authenticate, tokens, use, clock }: TokenRoutesDeps): Router {
  const router = Router()
  router.get('/tokens', requireScope(authenticate, 'ops:read'), async (_req, res) => {
    res.json({ items: presentTokens(tokens, await use.lastUsed(), clock()), next: null })
  })
  router.all('/tokens', allowOnly('GET', 'HEAD'))
  return router
}

export function presentTokens(
  tokens: TokenRoutesDeps['tokens'],
  lastUsed: ReadonlyMap<string, number>,
  now: number,
): TokenResource[] {
  return tokens.map(({ id, scopes: held, expiresAt }) => {
    const usedAt = lastUsed.get(id)
    return {
      id,
      scopes: [...held],
      ...(expiresAt !== undefined && { expiresAt: formatTime(expiresAt) }),
      expired: expiresAt !== undefined && expiresAt <= now,
      ...(usedAt !== undefined && { lastUsedAt: formatTime(usedAt) }),
    }
  })
}

const soonMs = 14 * 86_400_000

/** For whoever has to replace one before it ends. */
export function describeEnd(
  { expiresAt }: { expiresAt?: number | undefined },
  now: number,
): string | undefined {
  if (expiresAt === undefined || expiresAt - now > soonMs) return undefined
  return expiresAt <= now ? `expired at ${formatTime(expiresAt)}` : `expires at ${formatTime(expiresAt)}`
}

export const tokenOperations: readonly Operation[] = [
  {
    id: 'listTokens',
    method: 'get',
    path: '/v1/tokens',
    tag: 'tokens',
    summary: 'The tokens of the configuration',
    description: 'What each may do, when it ends and when it was last used; never what it is.',
    scope: 'ops:read',
    answers: { 200: { description: 'All of them', schema: pageOf(tokenSchema) } },
  },
]
