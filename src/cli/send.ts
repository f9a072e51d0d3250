/**
 * Sends one signed callback, as the provider would: to try Tallyhook out, and to see how it answers a wrong one. In
 * sandbox mode both keys are at hand; for a configured account the provider's private key is given, which only a test
 * provider's owner has.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Config, loadConfig } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { toCurl } from '../sandbox/signed-callback.ts'
import { type CallbackSigner, createSigner } from '../sandbox/signer.ts'
import { makeReference } from '../sandbox/trickle.ts'
import { usage } from './arguments.ts'
import { runningFile } from './run-role.ts'
import { checkAmount, chooseEvent, type Flags, help, parseFlags, readCount } from './send/flags.ts'
import { type Answer, fetchOrExplain, post } from './send/request.ts'

const dayMs = 24 * 3600_000

export async function runSend(args: string[]): Promise<number> {
  const flags = parseFlags(args)
  if (flags.help) {
    process.stdout.write(help)
    return 0
  }
  const config = loadConfig(process.env, false)
  const account = findAccount(config, flags.account)
  checkAmount(flags.amount, account.currency)
  const count = readCount(flags.count)
  const urls = readRunning(config.dataDir)
  const url = flags.url ?? (urls && `${urls.callbackUrl}/callbacks/${account.id}`)
  if (url && !URL.canParse(url)) throw usage(`--url: ${url} is not a URL.`)
  if (!url) throw usage('Nothing is running on this data directory; start it, or give --url.')
  const signer = createSigner(account, { privateKey: () => readKey(config, flags), serial: flags.serial })
  const event = chooseEvent(signer.events, flags.event)
  const reference =
    flags.reference ??
    (event === signer.events[0]
      ? await registerTransfer(config, flags, urls?.apiUrl, account)
      : makeReference('sent'))
  const callback: Callback = { reference, event, count, coupon: flags.coupon ?? String(Date.now()) }
  const signed = await sign(flags, callback, signer, url)
  if (flags.curl) {
    process.stdout.write(`${toCurl(url, signed)}\n`)
    return 0
  }
  const answer = await post(url, signed)
  report(flags, callback, answer)
  return answer.status >= 200 && answer.status < 300 ? 0 : 1
}

function findAccount(config: Config, id: string | undefined): Config['accounts'][number] {
  const account = id === undefined ? config.accounts[0] : config.accounts.find((known) => known.id === id)
  if (!account) throw usage(`There is no account ${id}.`)
  return account
}

function readKey(config: Config, flags: Flags): KeyObject {
  const file = flags['private-key']
  if (file === undefined && config.sandbox) return createPrivateKey(config.sandbox.providerPrivateKey)
  if (file === undefined)
    throw usage('Outside sandbox mode the provider key has to be given: --private-key FILE.')
  try {
    return createPrivateKey(readFileSync(file))
  } catch (cause) {
    throw new AppError('invalid-configuration', {
      detail: `--private-key: ${file} is not a readable private key.`,
      cause,
    })
  }
}

/** What it speaks of. */
interface Callback {
  reference: string
  event: string | undefined
  count: number
  coupon: string
}

async function sign(flags: Flags, callback: Callback, signer: CallbackSigner, url: string) {
  const now = Date.now() - (flags.stale ? dayMs : 0)
  const payout = {
    reference: callback.reference,
    providerReference: flags['inquiry-id'] ?? makeReference('inquiry'),
    amount: flags.amount,
    accountNumber: flags['account-number'],
    openid: flags.openid,
    status: flags.status,
    at: now,
    count: callback.count,
    couponNumber: callback.coupon,
    stockId: flags.stock,
  }
  return signer.sign(signer.describe(payout, callback.event), {
    path: new URL(url).pathname,
    now,
    wrongSignature: flags['wrong-signature'],
    stale: flags.stale,
  })
}

async function registerTransfer(
  config: Config,
  flags: Flags,
  apiUrl: string | undefined,
  account: Config['accounts'][number],
): Promise<string> {
  if (!config.sandbox || !apiUrl)
    throw usage('Give --reference: only in sandbox mode a transfer is registered by itself.')
  const reference = makeReference('sent')
  const answer = await fetchOrExplain(`${apiUrl}/v1/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${config.sandbox.apiToken}` },
    body: JSON.stringify({
      account: account.id,
      reference,
      amount: { value: flags.amount, currency: account.currency },
      beneficiary:
        account.provider === 'wechatpay'
          ? { openid: flags.openid, name: 'John Doe' }
          : { bankCode: '002', accountNumber: flags['account-number'], name: 'John Doe' },
    }),
  })
  if (answer.status !== 201)
    throw new AppError('invalid-request', {
      detail: `Registering a transfer answered ${answer.status}: ${answer.body}`,
    })
  return reference
}

function report(flags: Flags, { reference, event, coupon }: Callback, { status, body }: Answer): void {
  const subject = event === 'COUPON.USE' ? { coupon } : { reference }
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...subject, status, body })}\n`)
  else process.stdout.write(`callback for ${Object.values(subject)[0]}: ${status} ${body}\n`)
}

function readRunning(dataDir: string): { callbackUrl: string; apiUrl: string } | undefined {
  try {
    return JSON.parse(readFileSync(runningFile(dataDir), 'utf8'))
  } catch {
    return undefined
  }
}
