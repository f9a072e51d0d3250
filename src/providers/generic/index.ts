import type { ConnectTo } from '../client.ts'
import type { AccountProvider, Fetch } from '../provider.ts'
import type { GenericAccount } from './account.ts'
import { accepted } from './ack.ts'
import { createGenericClient } from './client.ts'
import { createTranslate } from './translate.ts'
import { createVerifier } from './verify.ts'

/** Nobody is known to wait for less than five seconds. */
const budgetMs = 4_000

export interface GenericDeps {
  /** For the JWKS URL. */
  fetch: Fetch
  /** For status queries. */
  connectTo?: ConnectTo | undefined
}

export function createGeneric(account: GenericAccount, deps: GenericDeps): AccountProvider {
  const { query } = account
  const { connectTo } = deps
  const translate = createTranslate(account)
  return {
    account: account.id,
    provider: 'generic',
    budgetMs,
    ...createVerifier(account, deps.fetch),
    translate,
    accepted,
    ...(query && connectTo && { client: createGenericClient(account, query, { connectTo, translate }) }),
  }
}
