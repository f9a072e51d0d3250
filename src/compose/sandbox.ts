/** Sandbox mode: both sides of the make-believe, in the same process. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { startSandbox } from '../sandbox/sandbox.ts'
import { type ComposeDeps, clock } from './base.ts'
import type { Served } from './serve.ts'

/** What a person who tries it out may paste. */
export interface SandboxRunning {
  apiToken: string
  account: string
  reference: string
  curl: string
}

export async function startSandboxMode(
  { config, lifecycle, logger }: ComposeDeps,
  { callbackUrl, apiUrl }: Served,
): Promise<SandboxRunning | undefined> {
  const identity = config.sandbox
  if (!identity) return undefined
  const sandbox = await startSandbox({
    identity,
    merchantPublicKey: createPublicKey(identity.merchantPrivateKey),
    merchantPrivateKey: createPrivateKey(identity.merchantPrivateKey),
    providerPrivateKey: createPrivateKey(identity.providerPrivateKey),
    callbackUrl: `${callbackUrl}/callbacks/${identity.account}`,
    apiUrl,
    clock,
    random: Math.random,
    fetch,
    logger,
  })
  lifecycle.add({ name: 'sandbox', stop: () => sandbox.stop() })
  const { apiToken, account } = identity
  return { apiToken, account, reference: sandbox.reference, curl: sandbox.curl }
}
