/** How many of an account's callbacks were repeats, by class: docs/state-machine.md says which is which. */
import { Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { RepeatCounts } from '../../store/repeat-counts.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'

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
