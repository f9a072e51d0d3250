/** Both make-believe providers with their keys, behind one door. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Logger } from '../telemetry/logger.ts'
import type { Door } from './door.ts'
import type { Fates } from './fates.ts'
import { createCallbackSwitch, createSandboxApp } from './server.ts'
import { createPlatform, issueCertificate } from './wechatpay/platform.ts'
import { createWechatpaySandbox } from './wechatpay/server.ts'
import { createZenospayServer } from './zenospay/server.ts'

export interface ProviderKeys {
  zenospay: {
    partnerId: string
    privateKey: KeyObject
    /** Signs in its place where `key-rotation` strikes. */
    nextPrivateKey: KeyObject
    merchantPublicKey: KeyObject
  }
  wechatpay: {
    mchid: string
    /** Of the merchant's API certificate. */
    serialNo: string
    merchantPublicKey: KeyObject
    apiV3Key: Uint8Array
    publicKeyId: string
    privateKey: KeyObject
    /** Beside the public key, where there is one. */
    certificate?: { serial: string; privateKey: KeyObject } | undefined
  }
}

export interface ProvidersDeps {
  door: Door
  keys: ProviderKeys
  callbackUrls: { zenospay: string; wechatpay: string }
  fates: Fates
  clock: () => number
  fetch: typeof fetch
  logger: Logger
}

/** Until the returned function is called. */
export function startProviders(deps: ProvidersDeps): () => Promise<void> {
  const { door, keys, callbackUrls } = deps
  const callbacks = createCallbackSwitch()
  const common = { ...deps, callbacksOn: callbacks.isOn }
  const zenospay = createZenospayServer({ ...common, ...keys.zenospay, callbackUrl: callbackUrls.zenospay })
  const { mchid, serialNo, merchantPublicKey, apiV3Key } = keys.wechatpay
  const wechatpay = createWechatpaySandbox({
    ...common,
    merchant: { mchid, serialNo, publicKey: merchantPublicKey },
    apiV3Key,
    platform: describePlatform(keys.wechatpay, deps.clock()),
    callbackUrl: callbackUrls.wechatpay,
  })
  door.open(createSandboxApp({ zenospay, wechatpay, callbacks }))
  return async () => {
    zenospay.stop()
    wechatpay.stop()
    await door.close()
  }
}

function describePlatform({ publicKeyId, privateKey, certificate }: ProviderKeys['wechatpay'], now: number) {
  const publicKey = { serial: publicKeyId, privateKey, publicKey: createPublicKey(privateKey) }
  if (!certificate) return createPlatform({ publicKey })
  const { serial, privateKey: key } = certificate
  return createPlatform({ publicKey, certificates: [issueCertificate(serial, key, now)] })
}
