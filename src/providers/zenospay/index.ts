import type { AccountProvider } from '../provider.ts'
import type { ZenospayAccount } from './account.ts'
import { accepted, refused } from './ack.ts'
import { createZenospayClient, type ZenospayClientDeps } from './client.ts'
import { translateCallback } from './translate.ts'
import { translateAnswer } from './translate-answer.ts'
import { verifyCallback } from './verify.ts'

/** Zenospay waits two seconds for an answer; half a second is left for the way back. */
const budgetMs = 1500

/** Without a way to call out, or without credentials, it only listens. */
export type ZenospayDeps = Partial<ZenospayClientDeps>

export function createZenospay(
  account: ZenospayAccount,
  { connectTo, clock }: ZenospayDeps = {},
): AccountProvider {
  const { credentials } = account
  return {
    account: account.id,
    provider: 'zenospay',
    budgetMs,
    verify: (request) => verifyCallback(account, request),
    translate: (body, asked) =>
      asked ? translateAnswer(account, body, asked) : translateCallback(account, body),
    accepted,
    refused,
    client:
      credentials && connectTo && clock && createZenospayClient(account, credentials, { connectTo, clock }),
    keyIds: () => account.providerPublicKeys.map(({ id }) => id),
  }
}
