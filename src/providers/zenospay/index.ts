import type { AccountProvider } from '../provider.ts'
import type { ZenospayAccount } from './account.ts'
import { accepted, refused } from './ack.ts'
import { translateCallback } from './translate.ts'
import { verifyCallback } from './verify.ts'

/** Zenospay waits two seconds for an answer; half a second is left for the way back. */
const budgetMs = 1500

export function createZenospay(account: ZenospayAccount): AccountProvider {
  return {
    account: account.id,
    provider: 'zenospay',
    budgetMs,
    verify: (request) => verifyCallback(account, request),
    translate: (body) => translateCallback(account, body),
    accepted,
    refused,
    keyIds: () => account.providerPublicKeys.map(({ id }) => id),
  }
}
