import type { Logger } from '../../telemetry/logger.ts'
import type { AccountProvider, Fetch } from '../provider.ts'
import type { WechatpayAccount } from './account.ts'
import { accepted, refused } from './ack.ts'
import { fetchCertificates } from './certificates.ts'
import { createPlatformKeys } from './platform-keys.ts'
import { translateCallback } from './translate.ts'
import { verifyCallback } from './verify.ts'

/** WeChat Pay waits five seconds for an answer; one is left for the way back. */
const budgetMs = 4000

export interface WechatpayDeps {
  fetch: Fetch
  clock: () => number
  randomBytes: (count: number) => Uint8Array
  logger: Logger
}

export function createWechatpay(account: WechatpayAccount, deps: WechatpayDeps): AccountProvider {
  const { credentials } = account
  const keys = createPlatformKeys({
    configured: account.platformKeys,
    load:
      credentials && ((held, signal) => fetchCertificates({ account, credentials, ...deps }, held, signal)),
    clock: deps.clock,
    logger: deps.logger.with({ account: account.id }),
  })
  return {
    account: account.id,
    provider: 'wechatpay',
    budgetMs,
    verify: (request) => verifyCallback(account, keys, request),
    translate: (body) => translateCallback(account, body),
    accepted,
    refused,
    keyIds: keys.serials,
    start: keys.start,
    stop: keys.stop,
  }
}
