/** How an account does: what is pending, what its provider takes and answers, whether anything is sent at all. */
import { Router } from 'express'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { formatTime } from '../../domain/time.ts'
import type { ReadBalance } from '../../store/balances.ts'
import type { Breaker, CallState } from '../../store/call-limits.ts'
import type { DelayCounts } from '../../store/delay-counts.ts'
import type { KeyUsage } from '../../store/key-usage.ts'
import type { PauseState, Pauses } from '../../store/pauses.ts'
import { overdueShare, type PendingCount, type PendingCounts } from '../../store/pending-counts.ts'
import type { Principal } from '../principal.ts'
import {
  type AccountHealthResource,
  type AccountResource,
  accountHealthSchema,
  accountSchema,
  type pauseSchema,
} from './account-schemas.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'
import { validate } from './validate.ts'

export interface KnownAccount {
  id: string
  provider: string
  currency: string
  /** Whether its provider can be called, and asked for a balance. */
  calls: boolean
  balance: boolean
}

export interface AccountHealthDeps extends AccountLookDeps {
  authenticate(token: string): Principal | null
}

export interface AccountLookDeps {
  accounts: readonly KnownAccount[]
  usage: Pick<KeyUsage, 'keysOf'>
  pauses: Pick<Pauses, 'stateOf'>
  pending: PendingCounts
  delays: DelayCounts
  callState(account: string): Promise<CallState>
  readBalance: ReadBalance
}

/** They take no parameters. */
const nothingSchema = z.strictObject({})

export function createAccountHealthRoutes(deps: AccountHealthDeps): Router {
  const { accounts } = deps
  const { look, lookClosely } = createAccountLook(deps)
  const router = Router()
  const mayLook = requireScope(deps.authenticate, 'ops:read')

  router.get('/accounts', mayLook, async (req, res) => {
    validate(nothingSchema, req.query)
    const items = await Promise.all(accounts.map(look))
    res.json({ items, next: null })
  })

  router.get('/accounts/:id', mayLook, async (req, res) => {
    validate(nothingSchema, req.query)
    const account = findAccount(accounts, String(req.params.id))
    res.json(await lookClosely(account))
  })

  router.all('/accounts', allowOnly('GET', 'HEAD'))
  router.all('/accounts/:id', allowOnly('GET', 'HEAD'))

  return router
}

export interface AccountLook {
  /** What costs a few reads of Redis, and no call. */
  look(account: KnownAccount): Promise<AccountResource>
  /** With its limits, its delays, and its balance, which its provider may be asked for. */
  lookClosely(account: KnownAccount): Promise<AccountHealthResource>
}

export function createAccountLook(deps: AccountLookDeps): AccountLook {
  async function read({ id, provider, currency, calls }: KnownAccount) {
    const [pause, uses, pending, state] = await Promise.all([
      deps.pauses.stateOf(id),
      deps.usage.keysOf(id),
      deps.pending.countsOf(id),
      deps.callState(id),
    ])
    const lastAt = Math.max(...uses.map((use) => use.lastAt), 0)
    const brief: AccountResource = {
      account: id,
      provider,
      currency,
      submissions: presentPause(pause),
      lastCallbackAt: lastAt === 0 ? null : formatTime(lastAt),
      pending: presentPending(pending),
      breaker: calls ? presentBreaker(state.breaker) : null,
    }
    return { brief, limits: calls ? state.limits : [] }
  }

  async function lookAtBalance({
    id,
    balance,
  }: KnownAccount): Promise<Pick<AccountHealthResource, 'balance' | 'balanceMissing'>> {
    if (!balance) return { balance: null, balanceMissing: 'not-offered' }
    const { balance: held, askedAt } = await deps.readBalance(id)
    if (!held) return { balance: null, balanceMissing: 'no-answer' }
    return { balance: { ...held, askedAt: formatTime(askedAt) }, balanceMissing: null }
  }

  return {
    look: async (account) => (await read(account)).brief,
    async lookClosely(account) {
      const [{ brief, limits }, timeToCallback, balance] = await Promise.all([
        read(account),
        deps.delays.countsOf(account.id),
        lookAtBalance(account),
      ])
      return { ...brief, limits, timeToCallback, ...balance }
    },
  }
}

export function findAccount<Account extends { id: string }>(
  accounts: readonly Account[],
  id: string,
): Account {
  const account = accounts.find((one) => one.id === id)
  if (!account) throw new AppError('not-found', { detail: 'There is no account with this id.' })
  return account
}

export function presentPause({ byConfiguration, byOperator }: PauseState): z.infer<typeof pauseSchema> {
  return {
    paused: byConfiguration || byOperator !== undefined,
    byConfiguration,
    byOperator: byOperator
      ? { by: byOperator.by, reason: byOperator.reason, at: formatTime(byOperator.at) }
      : null,
  }
}

function presentPending(count: PendingCount) {
  return { count: count.pending, overdue: count.overdue, overdueShare: overdueShare(count) }
}

function presentBreaker({ state, failures, retryAt }: Breaker) {
  return { state, failures, retryAt: retryAt === undefined ? null : formatTime(retryAt) }
}

export const accountHealthOperations: readonly Operation[] = [
  {
    id: 'listAccounts',
    method: 'get',
    path: '/v1/accounts',
    tag: 'accounts',
    summary: 'The accounts and how they do',
    scope: 'ops:read',
    query: nothingSchema,
    answers: { 200: { description: 'All of them', schema: pageOf(accountSchema) } },
  },
  {
    id: 'getAccount',
    method: 'get',
    path: '/v1/accounts/{id}',
    tag: 'accounts',
    summary: 'How an account does',
    description:
      'Beside what the list says: the limits of its calls, how soon callbacks come, and its balance.',
    scope: 'ops:read',
    query: nothingSchema,
    answers: { 200: { description: 'The account', schema: accountHealthSchema } },
    problems: ['not-found'],
  },
]
