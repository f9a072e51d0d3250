import type { Logger } from '../../telemetry/logger.ts'
import type { ConnectTo } from '../client.ts'
import type { AccountProvider, Fetch } from '../provider.ts'
import type { WechatpayAccount } from './account.ts'
import { accepted, refused } from './ack.ts'
import { fetchCertificates } from './certificates.ts'
import { createClient } from './client.ts'
import { createPlatformKeys } from './platform-keys.ts'
import { translateCallback } from './translate.ts'
import { translateAnswer } from './translate-answer.ts'
import { verifyCallback } from './verify.ts'

/** WeChat Pay waits five seconds for an answer; one is left for the way back. */
const budgetMs = 4000

export interface WechatpayDeps {
  fetch: Fetch
  clock: () => number
  randomBytes: (count: number) => Uint8Array
  logger: Logger
  /** Without it nothing is called but for certificates. */
  connectTo?: ConnectTo | undefined
}

export function createWechatpay(account: WechatpayAccount, deps: WechatpayDeps): AccountProvider {
  const { credentials } = account
  const { connectTo } = deps
  const logger = deps.logger.with({ account: account.id })
  const keys = createPlatformKeys({
    configured: account.platformKeys,
    load:
      credentials &&
      ((findHeld, signal, held) =>
        fetchCertificates({ account, credentials, ...deps }, findHeld, signal, held)),
    clock: deps.clock,
    logger,
  })
  return {
    account: account.id,
    provider: 'wechatpay',
    budgetMs,
    verify: (request) => verifyCallback(account, keys, request),
    translate: (body, asked) =>
      asked ? translateAnswer(account, body, asked) : translateCallback(account, body),
    accepted,
    refused,
    client:
      credentials && connectTo && createClient({ ...deps, account, credentials, keys, connectTo, logger }),
    keyIds: keys.serials,
    start: keys.start,
    stop: keys.stop,
  }
}
