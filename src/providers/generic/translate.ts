/**
 * What a genuine callback says, by the account's pointers into its body. What is not read for certain is not understood
 * and kept for a person, with the place of it and never the value, which may be personal.
 */
import type { Failure, FailureCode } from '../../domain/failure.ts'
import { type Money, type ParsedAmount, parseAmount, parseProviderAmount } from '../../domain/money.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { type AccountProvider, notUnderstood, type Translation } from '../provider.ts'
import { readJson } from '../read-json.ts'
import type { GenericAccount, TranslateRules } from './account.ts'
import { readCompactPayload } from './jws-token.ts'
import { findAt, readPointer } from './pointer.ts'
import { readTimestamp } from './timestamp.ts'

const textLengthMax = 256

type Field = Exclude<keyof TranslateRules, 'amountUnit' | 'statuses' | 'failureCodes'>
type Read = { value: string | undefined } | { problem: string }

/** The answer to a question is read by rules of its own, and is never a token. */
export function createTranslate(account: GenericAccount): AccountProvider['translate'] {
  const { verify, translate: rules, query } = account
  const isToken = verify.scheme === 'jws' && verify.form === 'compact' && verify.header === undefined
  const readCallback = createReader(account, rules, 'callback')
  const readAnswer = createReader(account, query?.translate ?? rules, 'query')
  return (body, asked) => {
    if (asked) return readAnswer(body)
    const content = isToken ? readCompactPayload(body) : body
    return content ? readCallback(content) : notUnderstood('The body is not a compact JWS.')
  }
}

function createReader(
  { id, currency }: GenericAccount,
  rules: TranslateRules,
  source: 'callback' | 'query',
): (content: Uint8Array) => Translation {
  const declared: Declared = {
    id,
    currency,
    rules,
    source,
    statuses: new Map(Object.entries(rules.statuses)),
    failureCodes: new Map(Object.entries(rules.failureCodes ?? {})),
  }
  const places = findPlaces(rules)
  return (content) => {
    const parsed = readJson(content)
    if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
    const values = readFields(places, parsed.value)
    if ('problem' in values) return notUnderstood(values.problem)
    return translateFields(declared, values.values)
  }
}

const fields = [
  'reference',
  'providerReference',
  'amount',
  'currency',
  'status',
  'occurredAt',
  'accountNumber',
  'name',
  'fee',
  'failureCode',
  'failureReason',
] as const satisfies Field[]

/** Where these are declared they have to be there: to go on without one would be a guess. */
const required: ReadonlySet<Field> = new Set<Field>(['reference', 'amount', 'currency', 'status'])

type Values = Partial<Record<Field, string>>

/** What is said of an account, and of one of its sources. */
interface Declared extends Pick<GenericAccount, 'id' | 'currency'> {
  rules: TranslateRules
  source: 'callback' | 'query'
  /** The provider's words, and what they mean. */
  statuses: ReadonlyMap<string, ObservedStatus>
  failureCodes: ReadonlyMap<string, FailureCode>
}

interface Place {
  field: Field
  tokens: string[]
  /** For the sentence that says what is not right. */
  what: string
}

function findPlaces(rules: TranslateRules): Place[] {
  return fields.flatMap((field) => {
    const pointer = rules[field]
    if (pointer === undefined) return []
    return [{ field, tokens: readPointer(pointer), what: `The ${field} at ${pointer}` }]
  })
}

function readFields(places: readonly Place[], document: unknown): { values: Values } | { problem: string } {
  const values: Values = {}
  for (const { field, tokens, what } of places) {
    const read = readScalar(findAt(document, tokens), what)
    if ('problem' in read) return read
    if (read.value !== undefined) values[field] = read.value
    else if (required.has(field)) return { problem: `${what} is missing.` }
  }
  return { values }
}

function readScalar(found: unknown, what: string): Read {
  if (found === undefined || found === null || found === '') return { value: undefined }
  if (typeof found === 'boolean') return { value: String(found) }
  if (typeof found !== 'string') return { problem: `${what} is neither text nor a number.` }
  if (found.length > textLengthMax) return { problem: `${what} is longer than ${textLengthMax} characters.` }
  return { value: found }
}

function translateFields(declared: Declared, values: Values): Translation {
  const { id, currency, rules, source, statuses, failureCodes } = declared
  const { reference = '', providerReference } = values
  const status = statuses.get(values.status ?? '')
  if (!status) return notUnderstood(`The status at ${rules.status} is none of those in \`statuses\`.`)
  const money = readMoney(rules, values, (values.currency ?? currency).toUpperCase())
  if ('problem' in money) return notUnderstood(money.problem)
  const occurredAt = values.occurredAt === undefined ? undefined : readTimestamp(values.occurredAt)
  if (values.occurredAt !== undefined && occurredAt === undefined)
    return notUnderstood(`The occurredAt at ${rules.occurredAt} is not a time.`)
  return {
    outcome: 'understood',
    observation: {
      kind: 'transfer',
      source,
      account: id,
      reference,
      status,
      ...money,
      ...(providerReference !== undefined && { providerReference }),
      ...describePayee(values),
      ...(status === 'failed' && { failure: describeFailure(values, failureCodes) }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

function readMoney(
  rules: TranslateRules,
  { amount: amountText = '', fee: feeText }: Values,
  currency: string,
): { amount: Money; fee?: Money } | { problem: string } {
  const amount = readAmount(amountText, currency, rules.amountUnit)
  if (!amount.ok)
    return { problem: `The amount at ${rules.amount} cannot be read exactly (${amount.problem}).` }
  if (feeText === undefined) return { amount: amount.money }
  const fee = readAmount(feeText, currency, rules.amountUnit)
  if (!fee.ok) return { problem: `The fee at ${rules.fee} cannot be read exactly (${fee.problem}).` }
  return { amount: amount.money, fee: fee.money }
}

function readAmount(text: string, currency: string, unit: TranslateRules['amountUnit']): ParsedAmount {
  if (unit === 'major') return parseProviderAmount(text, currency)
  const known = parseAmount('0', currency)
  if (!known.ok) return known
  if (!/^(0|[1-9]\d*)$/.test(text)) return { ok: false, problem: 'not-a-decimal' }
  // As many digits as every 64-bit integer on the way can hold.
  if (text.length > 18) return { ok: false, problem: 'too-large' }
  return { ok: true, money: { minor: BigInt(text), currency } }
}

function describePayee({ accountNumber: number, name }: Values) {
  if (number === undefined && name === undefined) return {}
  const payee = { ...(number !== undefined && { number }), ...(name !== undefined && { name }) }
  return { payee: { kind: 'bank' as const, ...payee } }
}

/** Where no pointer leads to a reason, the provider's word is one, if it is a word and no sentence. */
function describeFailure(
  { failureCode: word, failureReason }: Values,
  codes: ReadonlyMap<string, FailureCode>,
): Failure {
  const code = word === undefined ? 'declined-by-provider' : (codes.get(word) ?? 'unknown')
  const reason = failureReason ?? (word !== undefined && /^[\w.:-]{1,64}$/.test(word) ? word : undefined)
  return { code, ...(reason !== undefined && { reason }) }
}
