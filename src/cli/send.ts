/**
 * Sends one signed callback, as the provider would: to try Tallyhook out, and to see how it answers a wrong one. In
 * sandbox mode both keys are at hand; for a configured account the provider's private key is given, which only a test
 * provider's owner has.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Config, loadConfig } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { parseAmount } from '../domain/money.ts'
import { type SignedCallback, toCurl } from '../sandbox/signed-callback.ts'
import { createSigner } from '../sandbox/signer.ts'
import { makeReference } from '../sandbox/trickle.ts'
import { usage } from './arguments.ts'
import { runningFile } from './run-role.ts'

const help = `tallyhook send: sends one signed callback

  --reference R         of the transfer it speaks of; without it a transfer is registered first (sandbox mode)
  --amount 25000.00     as the provider reports it; with --reference, another than registered holds the transfer
  --status success      success, fail or pending, or the provider's own word; an unknown one is kept as a failed job
  --account-number N    of a beneficiary at a bank (default 0000000000)
  --openid O            of a beneficiary at WeChat Pay (default o-sandbox)
  --inquiry-id I        the provider's own id (default: a new one, which contradicts the one that a transfer has already;
                        a repeat has the same --reference and the same --inquiry-id)
  --account ID          which configured account (default: the first)
  --url URL             the callback URL (default: that of the process running on the data directory)
  --private-key FILE    the provider's key, PEM; not needed in sandbox mode, nor where a secret is shared
  --serial S            what the callback names as its key (WeChat Pay; default: the first platform key)
  --wrong-signature     signs with a key that nobody knows
  --stale               signs with a time that lies a day back
  --curl                prints the command instead of sending
  --json                prints the result as JSON
`

const options = {
  reference: { type: 'string' },
  amount: { type: 'string', default: '25000.00' },
  status: { type: 'string', default: 'success' },
  'account-number': { type: 'string', default: '0000000000' },
  openid: { type: 'string', default: 'o-sandbox' },
  'inquiry-id': { type: 'string' },
  account: { type: 'string' },
  url: { type: 'string' },
  'private-key': { type: 'string' },
  serial: { type: 'string' },
  'wrong-signature': { type: 'boolean', default: false },
  stale: { type: 'boolean', default: false },
  curl: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseFlags>

const dayMs = 24 * 3600_000
const answerMsMax = 10_000

export async function runSend(args: string[]): Promise<number> {
  const flags = parseFlags(args)
  if (flags.help) {
    process.stdout.write(help)
    return 0
  }
  const config = loadConfig(process.env, false)
  const account = findAccount(config, flags.account)
  checkAmount(flags.amount, account.currency)
  const urls = readRunning(config.dataDir)
  const url = flags.url ?? (urls && `${urls.callbackUrl}/callbacks/${account.id}`)
  if (url && !URL.canParse(url)) throw usage(`--url: ${url} is not a URL.`)
  if (!url) throw usage('Nothing is running on this data directory; start it, or give --url.')
  const reference = flags.reference ?? (await registerTransfer(config, flags, urls?.apiUrl, account))
  const signed = await sign(flags, reference, account, config, url)
  if (flags.curl) {
    process.stdout.write(`${toCurl(url, signed)}\n`)
    return 0
  }
  const answer = await post(url, signed)
  report(flags, reference, answer)
  return answer.status >= 200 && answer.status < 300 ? 0 : 1
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true }).values
  } catch (error) {
    throw usage(error instanceof Error ? error.message : 'The options are off.')
  }
}

function findAccount(config: Config, id: string | undefined): Config['accounts'][number] {
  const account = id === undefined ? config.accounts[0] : config.accounts.find((known) => known.id === id)
  if (!account) throw usage(`There is no account ${id}.`)
  return account
}

function checkAmount(amount: string, currency: string): void {
  const parsed = parseAmount(amount, currency)
  if (!parsed.ok) throw usage(`--amount: it cannot be read (${parsed.problem}).`)
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

async function sign(
  flags: Flags,
  reference: string,
  account: Config['accounts'][number],
  config: Config,
  url: string,
): Promise<SignedCallback> {
  const now = Date.now() - (flags.stale ? dayMs : 0)
  const signer = createSigner(account, {
    privateKey: () => readKey(config, flags),
    serial: flags.serial,
  })
  const body = signer.describe({
    reference,
    providerReference: flags['inquiry-id'] ?? makeReference('inquiry'),
    amount: flags.amount,
    accountNumber: flags['account-number'],
    openid: flags.openid,
    status: flags.status,
    at: now,
  })
  return signer.sign(body, {
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
          ? { openid: flags.openid }
          : { bankCode: '002', accountNumber: flags['account-number'], name: 'John Doe' },
    }),
  })
  if (answer.status !== 201)
    throw new AppError('invalid-request', {
      detail: `Registering a transfer answered ${answer.status}: ${answer.body}`,
    })
  return reference
}

interface Answer {
  status: number
  body: string
}

function post(url: string, { headers, body }: SignedCallback): Promise<Answer> {
  return fetchOrExplain(url, { method: 'POST', headers, body })
}

async function fetchOrExplain(url: string, init: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(answerMsMax) })
    return { status: answer.status, body: await answer.text() }
  } catch (cause) {
    const why = causeOf(cause)
    throw new AppError('internal-error', { detail: `${url} does not answer${why && ` (${why})`}.`, cause })
  }
}

/** As ECONNREFUSED, or DEPTH_ZERO_SELF_SIGNED_CERT, for which NODE_EXTRA_CA_CERTS is the cure. */
function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } }
  return typeof cause?.code === 'string' ? cause.code : ''
}

function report(flags: Flags, reference: string, { status, body }: Answer): void {
  if (flags.json) process.stdout.write(`${JSON.stringify({ reference, status, body })}\n`)
  else process.stdout.write(`callback for ${reference}: ${status} ${body}\n`)
}

function readRunning(dataDir: string): { callbackUrl: string; apiUrl: string } | undefined {
  try {
    return JSON.parse(readFileSync(runningFile(dataDir), 'utf8'))
  } catch {
    return undefined
  }
}
