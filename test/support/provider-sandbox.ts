/** Both make-believe providers on one port in this process, and the configuration of a program that works with them. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { createFates, type FateOptions } from '../../src/sandbox/fates.ts'
import { createCallbackSwitch, listenSandbox } from '../../src/sandbox/server.ts'
import { createPlatform, issueCertificate } from '../../src/sandbox/wechatpay/platform.ts'
import { createWechatpaySandbox } from '../../src/sandbox/wechatpay/server.ts'
import { createZenospayServer } from '../../src/sandbox/zenospay/server.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'

export const zeno = 'zeno-e2e'
export const wechat = 'wx-e2e'
const partnerId = 'client-key'
const mchid = '1900000001'
const certificateSerial = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1'
const serialNo = '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB'

export interface SandboxOptions extends FateOptions {
  callbacks: boolean
  /** Of WeChat Pay: certificates that are fetched, or the public key. */
  keys: 'certificates' | 'public-key'
}

/** What `GET /sandbox/state` says, as far as anybody compares it. */
export interface Belief {
  zenospay: {
    payouts: { reference: string; status: string; reason?: string; paidOrders: number; callbacks: number }[]
  }
  wechatpay: {
    batches: { number: string; status: string; transfers: { number: string; status: string }[] }[]
    coupons: { number: string; uses: { transactionId: string; amount: number }[] }[]
  }
}

export type ProviderSandbox = Awaited<ReturnType<typeof startProviderSandbox>>

export async function startProviderSandbox(options: SandboxOptions) {
  const newPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
  const [merchant, provider, next, platformPair] = [newPair(), newPair(), newPair(), newPair()]
  const apiV3Key = randomBytes(16).toString('hex')
  const callbackPort = await findPort()
  const callbackUrl = (account: string) => `http://127.0.0.1:${callbackPort}/callbacks/${account}`
  const callbacks = createCallbackSwitch()
  callbacks.turn(options.callbacks)
  const publicKeyId = 'PUB_KEY_ID_0114232134912410000000000000'
  const platform = createPlatform(
    options.keys === 'certificates'
      ? { certificates: [issueCertificate(certificateSerial, platformPair.privateKey, Date.now())] }
      : { publicKey: { serial: publicKeyId, ...platformPair } },
  )
  const shared = {
    fates: createFates(options),
    callbacksOn: callbacks.isOn,
    retryMs: [300, 1_000, 3_000],
    clock: Date.now,
    fetch,
    logger: silentLogger,
  }
  const server = await listenSandbox(
    {
      callbacks,
      zenospay: createZenospayServer({
        ...shared,
        partnerId,
        merchantPublicKey: merchant.publicKey,
        privateKey: provider.privateKey,
        nextPrivateKey: next.privateKey,
        callbackUrl: callbackUrl(zeno),
        // What was lost on its way is free again soon; until then nobody can say what becomes of it.
        reservationMs: 30_000,
        hangMs: 20_000,
      }),
      wechatpay: createWechatpaySandbox({
        ...shared,
        merchant: { mchid, serialNo, publicKey: merchant.publicKey },
        apiV3Key: Buffer.from(apiV3Key),
        platform,
        callbackUrl: callbackUrl(wechat),
        batchCallbacks: true,
      }),
    },
    { host: '127.0.0.1', port: 0 },
  )

  const pem = (key: typeof merchant.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString()
  const merchantPrivateKey = merchant.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const token = randomBytes(24).toString('base64url')
  const calls = {
    baseUrl: server.url,
    merchantPrivateKey,
    watch: { firstAfterSeconds: 1, everySeconds: 1 },
    calls: { timeoutSeconds: 5 },
  }
  const configuration = {
    accounts: [
      {
        id: zeno,
        provider: 'zenospay',
        partnerId,
        currency: 'IDR',
        providerPublicKeys: [pem(provider.publicKey), pem(next.publicKey)],
        ...calls,
        calls: { ...calls.calls, perSecond: 200 },
      },
      {
        id: wechat,
        provider: 'wechatpay',
        mchid,
        currency: 'CNY',
        serialNo,
        apiV3Keys: [apiV3Key],
        ...(options.keys === 'public-key' && {
          platformKeys: { [publicKeyId]: pem(createPublicKey(platformPair.privateKey)) },
        }),
        ...calls,
      },
    ],
    api: {
      tokens: [
        {
          id: 'payments',
          sha256: createHash('sha256').update(token).digest('hex'),
          scopes: ['transfers:write', 'transfers:read', 'events:read', 'ops:read', 'ops:act'],
        },
      ],
    },
    seal: {
      keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
      indexKey: randomBytes(32).toString('base64'),
    },
  }
  return {
    token,
    callbackPort,
    configuration,
    async believes(): Promise<Belief> {
      return (await (await fetch(`${server.url}/sandbox/state`)).json()) as Belief
    },
    stop: server.stop,
  }
}

/** The providers have to know where to call before the program runs. */
async function findPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
}
