/** How many of an account's callbacks were repeats, by class: docs/state-machine.md says which is which. */
import { Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { RepeatCounts } from '../../store/repeat-counts.ts'
import type { Principal } from '../principal.ts'
import { accountRepeatsSchema } from './account-schemas.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import type { Operation } from './operation.ts'

export interface RepeatRoutesDeps {
  authenticate(token: string): Principal | null
  /** Each that is configured. */
  accounts: readonly string[]
  repeats: RepeatCounts
}

export function createRepeatRoutes({ authenticate, accounts, repeats }: RepeatRoutesDeps): Router {
  const router = Router()
  router.get('/accounts/:id/repeats', requireScope(authenticate, 'ops:read'), async (req, res) => {
    const account = accounts.find((one) => one === req.params.id)
    if (account === undefined)
      throw new AppError('not-found', { detail: 'There is no account with this id.' })
    res.json({ account, repeats: await repeats.countsOf(account) })
  })
  router.all('/accounts/:id/repeats', allowOnly('GET', 'HEAD'))
  return router
}

export const repeatOperations: readonly Operation[] = [
  {
    id: 'getAccountRepeats',
    method: 'get',
    path: '/v1/accounts/{id}/repeats',
    tag: 'accounts',
    summary: 'How many callbacks of an account were repeats',
    description: 'Counted by class: the same bytes, the same sent anew, and one that says something else.',
    scope: 'ops:read',
    answers: { 200: { description: 'The counts', schema: accountRepeatsSchema } },
    problems: ['not-found'],
  },
]
