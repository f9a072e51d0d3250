/** WeChat Pay's answers to calls of ours, signed, and a client whose calls go to the test. */
import { constants, createPrivateKey, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import type { CallRequest, Client, Endpoint, Exchange, Order } from '../../src/providers/client.ts'
import type { WechatpayAccount } from '../../src/providers/wechatpay/account.ts'
import { createWechatpay } from '../../src/providers/wechatpay/index.ts'
import { headerNames, signatureType, signParts } from '../../src/providers/wechatpay/signature.ts'
import { type Logger, silentLogger } from '../../src/telemetry/logger.ts'
import { noFetch } from './generic.ts'
import { now, providerKey, publicKeyId, type SignedAs, testAccount } from './wechatpay.ts'

const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const merchantKeys = merchant

export const callingAccount: WechatpayAccount = {
  ...testAccount,
  credentials: {
    serialNo: '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB',
    privateKey: createPrivateKey(merchant.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    baseUrl: 'https://api.mch.weixin.qq.com',
    spareUrl: 'https://api2.mch.weixin.qq.com',
  },
}

type Answered = Extract<Exchange, { outcome: 'answered' }>

export function signHeaders(
  body: Uint8Array,
  { privateKey = providerKey, serial = publicKeyId, at = now }: SignedAs = {},
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000))
  const nonce = randomBytes(16).toString('hex')
  return {
    [headerNames.timestamp]: timestamp,
    [headerNames.nonce]: nonce,
    [headerNames.serial]: serial,
    [headerNames.type]: signatureType,
    [headerNames.signature]: signParts({ timestamp, nonce, body }, privateKey),
  }
}

export function answerOf(status: number, body: Buffer, headers: Record<string, string>): Answered {
  return { outcome: 'answered', status, header: (name) => headers[name], body }
}

export function signedAnswer(status: number, content: unknown, as: SignedAs = {}): Answered {
  const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  return answerOf(status, body, signHeaders(body, as))
}

export function encryptForMerchant(text: string): string {
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  return publicEncrypt({ key: merchant.publicKey, ...padding }, Buffer.from(text)).toString('base64')
}

export interface Called extends Omit<CallRequest, 'headers'> {
  headers: Record<string, string>
}

export interface TestClient extends Client {
  called: Called[]
  endpoint: Endpoint | undefined
}

/** `answer`: what WeChat Pay says to the request. */
export function createTestClient(
  answer: (request: Called) => Exchange,
  account: WechatpayAccount = callingAccount,
  logger: Logger = silentLogger,
): TestClient {
  const called: Called[] = []
  let endpoint: Endpoint | undefined
  const { client } = createWechatpay(account, {
    fetch: noFetch,
    clock: () => now,
    randomBytes,
    logger,
    connectTo: (given) => {
      endpoint = given
      return async (request) => {
        const one = { ...request, headers: request.headers() }
        called.push(one)
        return answer(one)
      }
    },
  })
  if (!client) throw new Error('The account has no client.')
  return { ...client, called, endpoint }
}

export type PayBatch = Extract<Order, { call: 'pay-batch' }>
export type Grant = Extract<Order, { call: 'grant' }>

export const cny = (minor: bigint) => ({ minor, currency: 'CNY' })

export function payBatch(fields: Partial<PayBatch> = {}): PayBatch {
  return {
    call: 'pay-batch',
    reference: 'plfk2020042013',
    name: '2027年1月薪资',
    remark: '薪资',
    terms: {
      authorizationType: 'INFORMATION_AUTHORIZATION_TYPE',
      subMchid: '1900000109',
      subAppid: 'wxf636efh567hg4356',
    },
    transfers: [
      {
        reference: 'x23zy545Bd5436',
        amount: cny(200_000n),
        beneficiary: { kind: 'wechatpay', openid: 'o-1', name: '张三', idCard: '11010119900101001X' },
        remark: '一月',
      },
      {
        reference: 'x23zy545Bd5437',
        amount: cny(29n),
        beneficiary: { kind: 'wechatpay', openid: 'o-2', name: '李四' },
      },
    ],
    ...fields,
  }
}

export function grant(fields: Partial<Grant> = {}): Grant {
  return {
    call: 'grant',
    reference: 'grant|1_*-',
    stockId: '9856000',
    appid: 'wx233544546545989',
    openid: '2323dfsdf342342',
    name: '张三',
    idCard: '11010119900101001X',
    amount: cny(1_000n),
    ...fields,
  }
}

export const acceptedBatch = {
  out_batch_no: 'plfk2020042013',
  batch_id: '1030000071100999991182020050700019480001',
  create_time: '2027-01-10T00:54:40+08:00',
}

export const batchAnswer = {
  sp_mchid: '1900000001',
  sub_mchid: '1900000109',
  out_batch_no: 'plfk2020042013',
  batch_id: '1030000071100999991182020050700019480001',
  batch_status: 'FINISHED',
  batch_type: 'API',
  authorization_type: 'INFORMATION_AUTHORIZATION_TYPE',
  batch_name: '2027年1月薪资',
  batch_remark: '薪资',
  total_amount: 200_029,
  total_num: 2,
  create_time: '2027-01-10T00:54:40+08:00',
  update_time: '2027-01-10T00:54:48+08:00',
  success_amount: 200_000,
  success_num: 1,
  fail_amount: 29,
  fail_num: 1,
}

export const detailAnswer = {
  sp_mchid: '1900000001',
  out_batch_no: 'plfk2020042013',
  batch_id: '1030000071100999991182020050700019480001',
  appid: 'wxf636efh567hg4356',
  out_detail_no: 'x23zy545Bd5436',
  detail_id: '1040000071100999991182020050700019500100',
  detail_status: 'SUCCESS',
  transfer_amount: 200_000,
  transfer_remark: '一月',
  openid: 'o-1',
  username: encryptForMerchant('张三'),
  initiate_time: '2027-01-10T00:54:41+08:00',
  update_time: '2027-01-10T00:54:47+08:00',
}

export const couponAnswer = {
  stock_creator_mchid: '1900000001',
  stock_id: '9856000',
  coupon_id: '98674556',
  status: 'SENDED',
  business_type: 'MULTIUSE',
  available_balance: 700,
}
