/** Sandbox mode: both sides of the make-believe, in the same process. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { secretOf, wechatSandbox } from '../config/sandbox-accounts.ts'
import type { SandboxIdentity } from '../config/sandbox-mode.ts'
import type { ProviderKeys } from '../sandbox/providers.ts'
import { createSandbox } from '../sandbox/sandbox.ts'
import { type ComposeDeps, clock } from './base.ts'
import type { Served } from './serve.ts'

/** What a person who tries it out may paste. */
export interface SandboxRunning {
  apiToken: string
  account: string
  reference: string
  curl: string
}

/** Before anything else: Tallyhook's own start calls the providers. Undefined outside sandbox mode. */
export function openSandboxMode({
  config,
  lifecycle,
  logger,
  door,
}: ComposeDeps): ((served: Served) => Promise<SandboxRunning>) | undefined {
  const identity = config.sandbox
  if (!identity || !door) return undefined
  const sandbox = createSandbox({
    door,
    identity: { ...identity, wechatAccount: wechatSandbox.account },
    keys: readKeys(identity),
    clock,
    random: Math.random,
    fetch,
    logger,
  })
  lifecycle.add({ name: 'sandbox-providers', stop: () => sandbox.stop() })
  return async (served) => {
    const example = await sandbox.start(served)
    // The merchant stops first: what it sends must still find everything else.
    lifecycle.add({ name: 'sandbox', stop: () => sandbox.stop() })
    const { apiToken, account } = identity
    return { apiToken, account, ...example }
  }
}

/** One provider's key and one merchant's serve both providers; none of this changes to another key. */
function readKeys(identity: SandboxIdentity): ProviderKeys {
  const privateKey = createPrivateKey(identity.providerPrivateKey)
  const merchantPublicKey = createPublicKey(identity.merchantPrivateKey)
  const { mchid, serialNo, publicKeyId } = wechatSandbox
  return {
    zenospay: { partnerId: identity.partnerId, privateKey, nextPrivateKey: privateKey, merchantPublicKey },
    wechatpay: {
      mchid,
      serialNo,
      publicKeyId,
      privateKey,
      merchantPublicKey,
      apiV3Key: new Uint8Array(Buffer.from(secretOf(identity, 'wechatpay', 32))),
    },
  }
}
