/** An account's keys: which are configured, and how often and when last each of them verified a callback. */
import { Router } from 'express'
import type { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { formatTime } from '../../domain/time.ts'
import type { AccountProvider } from '../../providers/provider.ts'
import type { KeyUsage, Use } from '../../store/key-usage.ts'
import type { Principal } from '../principal.ts'
import { accountKeysSchema, type keySchema } from './account-schemas.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import type { Operation } from './operation.ts'

export interface AccountRoutesDeps {
  authenticate(token: string): Principal | null
  providers: ReadonlyMap<string, AccountProvider>
  usage: Pick<KeyUsage, 'keysOf' | 'refusalsOf'>
}

export function createAccountRoutes({ authenticate, providers, usage }: AccountRoutesDeps): Router {
  const router = Router()
  router.get('/accounts/:id/keys', requireScope(authenticate, 'ops:read'), async (req, res) => {
    const provider = providers.get(String(req.params.id))
    if (!provider) throw new AppError('not-found', { detail: 'There is no account with this id.' })
    const { account } = provider
    const [uses, refusals] = await Promise.all([usage.keysOf(account), usage.refusalsOf(account)])
    res.json({
      account,
      keys: presentKeys(provider.keyIds(), uses),
      refusals: refusals.map(({ name, count, lastAt }) => ({
        reason: name,
        count,
        lastAt: formatTime(lastAt),
      })),
    } satisfies z.infer<typeof accountKeysSchema>)
  })
  router.all('/accounts/:id/keys', allowOnly('GET', 'HEAD'))
  return router
}

export type PresentedKey = z.infer<typeof keySchema>

/** In the order of the configuration; after them those that were once used and are no longer configured. */
export function presentKeys(configured: readonly string[], uses: readonly Use[]): PresentedKey[] {
  const byName = new Map(uses.map((use) => [use.name, use]))
  const gone = uses.map(({ name }) => name).filter((name) => !configured.includes(name))
  return [...configured, ...gone].map((keyId) => {
    const use = byName.get(keyId)
    return {
      keyId,
      configured: configured.includes(keyId),
      count: use?.count ?? 0,
      lastUsedAt: use ? formatTime(use.lastAt) : null,
    }
  })
}

export const accountOperations: readonly Operation[] = [
  {
    id: 'getAccountKeys',
    method: 'get',
    path: '/v1/accounts/{id}/keys',
    tag: 'accounts',
    summary: 'The keys of an account',
    description:
      'Which are configured, how often and when last each verified a callback, and why others were refused.',
    scope: 'ops:read',
    answers: { 200: { description: 'The keys', schema: accountKeysSchema } },
    problems: ['not-found'],
  },
]
