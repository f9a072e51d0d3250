/**
 * Zenospay's sentences for why a payout failed or was refused, as our codes. No list of them is documented, so the patterns
 * are inferred: one that fits nothing is no fault, it is `unknown`. The first that fits counts.
 *
 * A sentence may name a person or an account. It stands beside the code only where each of its words is one of those below
 * or the whole is a code; anything else stays in the sealed receipt.
 */
import type { Failure, FailureCode } from '../../domain/failure.ts'

const account = '(?:account|rekening|beneficiary|recipient|wallet)'
const blocked =
  '(?:blocked|frozen|closed|dormant|inactive|not active|suspended|restricted|diblokir|ditutup|tidak aktif)'
const wrong =
  '(?:invalid|not valid|unknown|wrong|incorrect|not registered|unregistered|tidak valid|tidak terdaftar|salah)'
const missing = '(?:not found|(?:does )?not exist|tidak ditemukan)'

const patterns: [FailureCode, RegExp][] = [
  ['risk-refused', /\b(?:fraud|suspicious|blacklist(?:ed)?|sanction(?:s|ed)?|risk)\b/],
  [
    'insufficient-funds',
    /\b(?:insufficient|not enough) (?:\w+ ){0,2}(?:balance|funds?|saldo)|\b(?:balance|saldo|funds?)\b.{0,24}\b(?:insufficient|not enough|not sufficient|kurang|tidak (?:men)?cukup)\b/,
  ],
  [
    'beneficiary-mismatch',
    /\b(?:name|nama)\b.{0,40}\b(?:mismatch(?:ed)?|not match(?:ed)?|differs?|different|tidak (?:sesuai|cocok))\b|\bmismatch(?:ed)? (?:\w+ ){0,2}name\b/,
  ],
  [
    'payer-not-allowed',
    new RegExp(
      `\\b(?:merchant|partner|client|your account)\\b.{0,40}\\b(?:${blocked}|disabled|not (?:allowed|permitted|authori[sz]ed)|${missing}|${wrong})\\b`,
    ),
  ],
  ['limit-exceeded', /\b(?:limit|quota|maximum|minimum|exceed(?:s|ed)?|melebihi)\b/],
  [
    'beneficiary-blocked',
    new RegExp(`\\b${account}\\b.{0,40}\\b${blocked}\\b|\\b${blocked} (?:\\w+ ){0,2}${account}\\b`),
  ],
  [
    'beneficiary-not-found',
    new RegExp(
      `\\b${account}\\b.{0,40}\\b(?:${missing}|${wrong})\\b|\\b${wrong} (?:\\w+ ){0,3}${account}\\b|\\bno such (?:\\w+ ){0,2}${account}\\b`,
    ),
  ],
  ['expired', /\b(?:expired|kedaluwarsa|kadaluarsa|kadaluwarsa)\b/],
  ['cancelled', /\b(?:cancell?ed|dibatalkan)\b/],
]

/** Of a query's `reason`, or the `message` of a refusal. */
export function describeFailure(text: string | undefined): Failure {
  const said = text?.trim()
  if (!said) return { code: 'declined-by-provider' }
  const reason = readReason(said)
  const code = patterns.find(([, pattern]) => pattern.test(normalise(said)))?.[0] ?? 'unknown'
  return { code, ...(reason !== undefined && { reason }) }
}

const readMax = 512

/** `INVALID_ACCOUNT` and `Invalid account` say the same. */
export function normalise(text: string): string {
  return text
    .slice(0, readMax)
    .toLowerCase()
    .replace(/[_\s]+/g, ' ')
    .trim()
}

const words = new Set(
  `a an and any are as at be been being by can cannot check could did do does for from has have in is it its no not of on
  or out please the this to too was were will with you your
  able abnormal access account accounts action active allowed already amount api attempt authorized balance bank banking
  beneficiary blocked cancelled canceled channel client closed code complete completed connect connection contact currency
  customer cut daily day declined destination details different difficulty digits disabled disbursement does dormant down
  duplicate enough error exceed exceeded exceeds exist expired failed failure fee found frozen fund funds general gateway
  holder id inactive incorrect inquiry insufficient internal invalid issue later limit limited maintenance many match
  matched max maximum merchant minimum mismatch missing monthly name network number off offline operation partner payment
  payout pending permitted processed processing provider quota receiver recipient record refused registered rejected
  request reserved response restricted retry reversed risk service statement status supported suspected suspended switch
  system temporarily time timed timeout transaction transfer try type unable unavailable unknown unregistered unsuccessful
  unsupported user valid verification wallet wrong
  akun aktif bank cocok dana dibatalkan diblokir ditemukan ditolak ditutup gagal gangguan kedaluwarsa kurang melebihi nama
  nasabah nomor pemeliharaan penerima rekening saldo salah sedang sesuai sistem terdaftar tidak transaksi tujuan valid
  waktu`.split(/\s+/),
)

const reasonMax = 120
/** `E51`, `BANK-0014`, `51`: too short to be anybody's number. */
const codePattern = /^[A-Z]{0,8}[-_]?[0-9]{1,4}$/

function readReason(text: string): string | undefined {
  if (text.length > reasonMax || !/^[\x20-\x7e]+$/.test(text)) return undefined
  if (codePattern.test(text)) return text
  const parts = text.toLowerCase().split(/[^a-z0-9]+/)
  return parts.every((part) => part === '' || words.has(part)) && /[a-z]/i.test(text) ? text : undefined
}
