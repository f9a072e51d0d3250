/** What `tallyhook send` can be told. */
import { parseArgs } from 'node:util'
import { parseAmount } from '../../domain/money.ts'
import { usage } from '../arguments.ts'

export const help = `tallyhook send: sends one signed callback

  --event E             what it tells of (default: a transfer). Zenospay: payment.completed, a pay-in. WeChat Pay:
                        BATCH.FINISHED, BATCH.CLOSED, COUPON.USE (of a multi-use coupon)
  --reference R         of the transfer, pay-in or batch it speaks of; without it a transfer is registered first (sandbox
                        mode), and of the others it is a new one
  --amount 25000.00     as the provider reports it; with --reference, another than registered holds the transfer
  --status success      success, fail or pending, or the provider's own word; an unknown one is kept as a failed job
  --account-number N    of a beneficiary at a bank (default 0000000000)
  --openid O            of a beneficiary at WeChat Pay (default o-sandbox)
  --count N             of a batch: how many transfers --amount is the sum of (default 1)
  --coupon N            the number of the coupon that was used (default: a new one); --amount is what was consumed
  --stock S             the coupon's stock (default 9856000)
  --inquiry-id I        the provider's own id, also of a pay-in, a batch, or the purchase that a coupon was used for (default:
                        a new one, which contradicts the one that a transfer has already; a repeat has the same
                        --reference and the same --inquiry-id)
  --account ID          which configured account (default: the first)
  --url URL             the callback URL (default: that of the process running on the data directory)
  --private-key FILE    the provider's key, PEM; not needed in sandbox mode, nor where a secret is shared
  --serial S            what the callback names as its key (WeChat Pay; default: the first platform key)
  --wrong-signature     signs with a key that nobody knows
  --stale               signs with a time that lies a day back
  --curl                prints the command instead of sending
  --json                prints the result as JSON
`

export const options = {
  event: { type: 'string' },
  reference: { type: 'string' },
  amount: { type: 'string', default: '25000.00' },
  status: { type: 'string', default: 'success' },
  'account-number': { type: 'string', default: '0000000000' },
  openid: { type: 'string', default: 'o-sandbox' },
  count: { type: 'string', default: '1' },
  coupon: { type: 'string' },
  stock: { type: 'string', default: '9856000' },
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

export type Flags = ReturnType<typeof parseFlags>

export function parseFlags(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true }).values
  } catch (error) {
    throw usage(error instanceof Error ? error.message : 'The options are off.')
  }
}

export function checkAmount(amount: string, currency: string): void {
  const parsed = parseAmount(amount, currency)
  if (!parsed.ok) throw usage(`--amount: it cannot be read (${parsed.problem}).`)
}

/** The provider's own name of it; WeChat Pay's also without what those of its transfers begin with. */
export function chooseEvent(events: readonly string[], named: string | undefined): string | undefined {
  if (named === undefined) return events[0]
  if (events.length === 0) throw usage('--event: the callbacks of this account name no events.')
  const event = events.find((known) => known === named || known === `MCHTRANSFER.${named}`)
  if (event === undefined) throw usage(`--event: it must be one of: ${events.join(', ')}.`)
  return event
}

export function readCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw usage('--count: it must be a whole number from 1 to 9999.')
  return Number(text)
}
