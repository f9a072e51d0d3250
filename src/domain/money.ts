/**
 * Money is a bigint of minor units next to its currency. It enters and leaves as a decimal string and is never a
 * float: 0.1 + 0.2 has no place in a payout.
 */
export interface Money {
  minor: bigint
  currency: string
}

export type AmountProblem = 'unknown-currency' | 'not-a-decimal' | 'too-many-decimals' | 'too-large'

export type ParsedAmount = { ok: true; money: Money } | { ok: false; problem: AmountProblem }

/** ISO 4217 by number of decimals. A currency that is not here is refused rather than given two decimals by guess. */
const currenciesByDecimals: Record<number, string> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
    CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
    NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
}

const decimalsByCurrency = new Map<string, number>(
  Object.entries(currenciesByDecimals).flatMap(([decimals, codes]) =>
    codes.split(/\s+/).map((code): [string, number] => [code, Number(decimals)]),
  ),
)

/** Eighteen digits of minor units fit every signed 64-bit integer on the way, whoever reads our events. */
const minorDigitsMax = 18
export const minorMax = 10n ** BigInt(minorDigitsMax) - 1n

/** No sign, no exponent, no leading zero, no thousands separator. */
const decimalPattern = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

export function isCurrency(code: string): boolean {
  return decimalsByCurrency.has(code)
}

/** Exact or refused: `1.234` is not an amount of a currency with two decimals. */
export function parseAmount(text: string, currency: string): ParsedAmount {
  const decimals = decimalsByCurrency.get(currency)
  if (decimals === undefined) return { ok: false, problem: 'unknown-currency' }
  const match = decimalPattern.exec(text)
  const [, whole, fraction = ''] = match ?? []
  if (whole === undefined) return { ok: false, problem: 'not-a-decimal' }
  if (fraction.length > decimals) return { ok: false, problem: 'too-many-decimals' }
  const digits = whole + fraction.padEnd(decimals, '0')
  if (digits.length > minorDigitsMax) return { ok: false, problem: 'too-large' }
  return { ok: true, money: { minor: BigInt(digits), currency } }
}

/** A provider may write more zeros than the currency has decimals; `25000.000` is still exactly 25000. */
export function parseProviderAmount(text: string, currency: string): ParsedAmount {
  const point = text.indexOf('.')
  const trimmed = point < 0 ? text : text.slice(0, point) + text.slice(point).replace(/\.?0+$/, '')
  return parseAmount(trimmed, currency)
}

export function formatAmount({ minor, currency }: Money): string {
  const decimals = decimalsByCurrency.get(currency)
  if (decimals === undefined) throw new RangeError(`No currency ${currency} is known.`)
  if (minor < 0n) throw new RangeError('An amount is never negative.')
  if (decimals === 0) return minor.toString()
  const digits = minor.toString().padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

export function sameMoney(a: Money, b: Money): boolean {
  return a.minor === b.minor && a.currency === b.currency
}
