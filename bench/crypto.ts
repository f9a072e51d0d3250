/**
 * Verifying and opening a WeChat Pay callback: ours beside the packages that others use, as somebody who knows them would
 * write it, and beside node:crypto alone. Everybody gets the same bytes and headers, and ends with the object that was
 * encrypted. They take turns in one process, each round in another order, and are measured by the processor's time.
 */
import {
  createDecipheriv,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
} from 'node:crypto'
import { Aes, Formatter, Rsa } from 'wechatpay-axios-plugin'
import Pay from 'wechatpay-node-v3'
import type { WechatpayAccount } from '../src/providers/wechatpay/account.ts'
import { createWechatpay } from '../src/providers/wechatpay/index.ts'
import { createPlatformKeys } from '../src/providers/wechatpay/platform-keys.ts'
import { openCallback } from '../src/providers/wechatpay/translate.ts'
import { verifyCallback } from '../src/providers/wechatpay/verify.ts'
import { createWechatpaySigner } from '../src/sandbox/wechatpay-signer.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import type { BenchResult } from './run.ts'

interface Callback {
  headers: Record<string, string>
  body: Buffer
}

type Open = (callback: Callback) => unknown | Promise<unknown>

interface Keys {
  privateKey: KeyObject
  publicKey: KeyObject
  apiV3Key: Buffer
}

const serial = 'PUB_KEY_ID_0114232134912410000000000000'
const toleranceMs = 3600_000
const bare = 'limit: node:crypto, keys prepared'
const whole = 'ours, and what it says in our words'

export async function benchCrypto({ quick }: { quick: boolean }): Promise<BenchResult[]> {
  const rounds = quick ? 10 : 200
  const perRound = 200
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = { privateKey, publicKey, apiV3Key: Buffer.from(randomBytes(16).toString('hex')) }
  const callbacks = await writeCallbacks(keys, 500)
  const contenders = createContenders(keys)
  await checkAll(contenders, callbacks)
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]))
  for (let round = -2; round < rounds; round++) {
    for (const [name, open] of turned(Object.entries(contenders), round + 2)) {
      const us = await measure(open, callbacks, perRound)
      // The first two are for warming up.
      if (round >= 0) times.get(name)?.push(us)
    }
  }
  return [describe(times, { rounds, perRound, bytes: callbacks[0]?.body.length ?? 0 })]
}

async function writeCallbacks(keys: Keys, count: number): Promise<Callback[]> {
  const account = { mchid: '1900000001', apiV3Keys: [keys.apiV3Key], platformKeys: [], currency: 'CNY' }
  const signer = createWechatpaySigner(account, { privateKey: keys.privateKey, serial })
  const now = Date.now()
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const payout = {
        reference: `bill${String(index).padStart(10, '0')}`,
        providerReference: `133000007110099999118202005070001${index}`,
        amount: '250.00',
        accountNumber: '',
        openid: 'o-MYE42l80oelYMDE34nYD456Xoy',
        status: 'SUCCESS',
        at: now,
      }
      const { headers, body } = await signer.sign(signer.describe(payout), { path: '', now })
      return { headers, body: Buffer.from(body) }
    }),
  )
}

function createContenders(keys: Keys): Record<string, Open> {
  const { ours, oursWhole } = createOurs(keys)
  return {
    [bare]: createBare(keys),
    ours,
    [whole]: oursWhole,
    'wechatpay-axios-plugin': createByAxiosPlugin(keys),
    'wechatpay-node-v3 (checks no tag)': createByNodeV3(keys),
  }
}

function createOurs({ publicKey, apiV3Key }: Keys): { ours: Open; oursWhole: Open } {
  const account: WechatpayAccount = {
    id: 'bench',
    mchid: '1900000001',
    apiV3Keys: [apiV3Key],
    platformKeys: [{ serial, key: publicKey }],
    toleranceMs,
    currency: 'CNY',
  }
  const deps = {
    fetch: () => Promise.reject(new Error('Nothing is fetched.')),
    clock: Date.now,
    randomBytes,
    logger: silentLogger,
  }
  const platformKeys = createPlatformKeys({ configured: account.platformKeys, ...deps })
  const provider = createWechatpay(account, deps)
  const requestOf = ({ headers, body }: Callback) => ({
    path: '/callbacks/bench',
    header: (name: string) => headers[name],
    body,
    now: Date.now(),
  })
  return {
    async ours(callback) {
      const found = verifyCallback(account, platformKeys, requestOf(callback))
      const verified = found instanceof Promise ? await found : found
      if (verified.outcome !== 'authentic') throw new Error(verified.outcome)
      const opened = openCallback(account, callback.body)
      return 'content' in opened ? opened.content : undefined
    },
    async oursWhole(callback) {
      const found = provider.verify(requestOf(callback))
      const verified = found instanceof Promise ? await found : found
      if (verified.outcome !== 'authentic') throw new Error(verified.outcome)
      return provider.translate(callback.body)
    },
  }
}

const namesOf = {
  timestamp: 'wechatpay-timestamp',
  nonce: 'wechatpay-nonce',
  signature: 'wechatpay-signature',
  serial: 'wechatpay-serial',
} as const

function readHeaders({ headers }: Callback): Record<keyof typeof namesOf, string> {
  const {
    timestamp = '',
    nonce = '',
    signature = '',
  } = {
    timestamp: headers[namesOf.timestamp],
    nonce: headers[namesOf.nonce],
    signature: headers[namesOf.signature],
  }
  return { timestamp, nonce, signature, serial: headers[namesOf.serial] ?? '' }
}

function checkTime(timestamp: string): void {
  if (Math.abs(Date.now() - Number(timestamp) * 1000) >= toleranceMs) throw new Error('Outside the window.')
}

/** No more than the documents ask for. */
function createBare({ publicKey, apiV3Key }: Keys): Open {
  const secretKey = createSecretKey(apiV3Key)
  const byserial = new Map([[serial, publicKey]])
  return async (callback) => {
    const { timestamp, nonce, signature, serial } = readHeaders(callback)
    checkTime(timestamp)
    const key = byserial.get(serial)
    const signed = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), callback.body, Buffer.from('\n')])
    if (!key || !verify('sha256', signed, key, Buffer.from(signature, 'base64')))
      throw new Error('The signature is wrong.')
    const { resource } = JSON.parse(callback.body.toString())
    const bytes = Buffer.from(resource.ciphertext, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', secretKey, resource.nonce, { authTagLength: 16 })
    decipher.setAAD(Buffer.from(resource.associated_data)).setAuthTag(bytes.subarray(-16))
    const text = decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8')
    return JSON.parse(text)
  }
}

function createByAxiosPlugin({ publicKey, apiV3Key }: Keys): Open {
  const keys = new Map([[serial, Rsa.from(publicKey, 'public')]])
  return async (callback) => {
    const { timestamp, nonce, signature, serial } = readHeaders(callback)
    checkTime(timestamp)
    const key = keys.get(serial)
    const body = callback.body.toString()
    if (!key || !Rsa.verify(Formatter.response(timestamp, nonce, body), signature, key))
      throw new Error('The signature is wrong.')
    const { resource } = JSON.parse(body)
    const { ciphertext, nonce: iv, associated_data: associated } = resource
    return JSON.parse(Aes.AesGcm.decrypt(ciphertext, apiV3Key, iv, associated))
  }
}

/** It holds keys as text, in a field of its class that `fetchCertificates` fills. */
function createByNodeV3({ privateKey, publicKey, apiV3Key }: Keys): Open {
  class Loaded extends Pay {
    static load(): void {
      Pay.certificates = { [serial]: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
    }
  }
  Loaded.load()
  const pem = (key: KeyObject, type: 'pkcs8' | 'spki') =>
    Buffer.from(type === 'pkcs8' ? key.export({ type, format: 'pem' }) : key.export({ type, format: 'pem' }))
  const pay = new Loaded({
    appid: 'wx0',
    mchid: '1900000001',
    serial_no: 'ABCDEF',
    publicKey: pem(createPublicKey(privateKey), 'spki'),
    privateKey: pem(privateKey, 'pkcs8'),
    key: apiV3Key.toString(),
  })
  return async (callback) => {
    const headers = readHeaders(callback)
    checkTime(headers.timestamp)
    const body = callback.body.toString()
    if (!(await pay.verifySign({ ...headers, body }))) throw new Error('The signature is wrong.')
    const { ciphertext, associated_data, nonce } = JSON.parse(body).resource
    return pay.decipher_gcm(ciphertext, associated_data, nonce)
  }
}

/** Each opens what is right and refuses what was changed, or it is not the same work that is measured. */
async function checkAll(contenders: Record<string, Open>, [callback]: readonly Callback[]): Promise<void> {
  if (!callback) throw new Error('There are no callbacks.')
  const changed = { ...callback, body: Buffer.concat([callback.body, Buffer.from(' ')]) }
  for (const [name, open] of Object.entries(contenders)) {
    const text = JSON.stringify(await open(callback), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    if (!text.includes('bill0000000000')) throw new Error(`${name} does not open it.`)
    const refused = await Promise.resolve(open(changed)).then(
      () => false,
      () => true,
    )
    if (!refused) throw new Error(`${name} takes what was changed.`)
  }
}

function turned<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** Microseconds of the processor's time for each. */
async function measure(open: Open, callbacks: readonly Callback[], count: number): Promise<number> {
  globalThis.gc?.()
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) await open(callbacks[i % callbacks.length] as Callback)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

function describe(
  times: ReadonlyMap<string, number[]>,
  { rounds, perRound, bytes }: { rounds: number; perRound: number; bytes: number },
): BenchResult {
  const of = (name: string) => times.get(name) ?? []
  const packages = [...times.keys()].filter((name) => name.startsWith('wechatpay-'))
  const fastest = packages.reduce((a, b) => (median(of(a)) <= median(of(b)) ? a : b))
  const beside = (name: string, other: string) =>
    median(of(name).map((us, round) => (of(other)[round] ?? 0) / us)).toFixed(2)
  return {
    title: `crypto: a WeChat Pay callback of ${bytes} bytes verified and opened, RSA-2048 and AES-256-GCM`,
    rows: [...times].map(([name, list]) => ({
      by: name,
      'us each': median(list).toFixed(1),
      'each second of CPU': Math.round(1e6 / median(list)),
      'x the fastest package': beside(name, fastest),
      'of the limit': beside(name, bare),
      'lowest and highest us': `${Math.min(...list).toFixed(1)} to ${Math.max(...list).toFixed(1)}`,
    })),
    notes: [
      `CPU time; medians of ${rounds} rounds of ${perRound} callbacks in one process, taking turns; ratios are of the same round.`,
      `The fastest package is ${fastest}. Each got keys as early as it can take them.`,
    ],
  }
}

function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
