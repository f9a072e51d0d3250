/**
 * What a genuine callback says, by the account's pointers into its body. What is not read for certain is not understood
 * and kept for a person, with the place of it and never the value, which may be personal.
 */
import type { Failure } from '../../domain/failure.ts'
import { type ParsedAmount, parseAmount, parseProviderAmount } from '../../domain/money.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import type { Translation } from '../provider.ts'
import { readJson } from '../read-json.ts'
import type { GenericAccount, TranslateRules } from './account.ts'
import { readCompactPayload } from './jws-token.ts'
import { findAt, readPointer } from './pointer.ts'
import { readTimestamp } from './timestamp.ts'

const textLengthMax = 256

type Field = Exclude<keyof TranslateRules, 'amountUnit' | 'statuses'>
type Read = { value: string | undefined } | { problem: string }

export function createTranslate(account: GenericAccount): (body: Buffer) => Translation {
  const { verify, translate: rules } = account
  const isToken = verify.scheme === 'jws' && verify.form === 'compact' && verify.header === undefined
  const statuses = new Map(Object.entries(rules.statuses))
  const places = findPlaces(rules)

  return (body) => {
    const content = isToken ? readCompactPayload(body) : body
    if (!content) return notUnderstood('The body is not a compact JWS.')
    const parsed = readJson(content)
    if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
    const values = readFields(places, parsed.value)
    if ('problem' in values) return notUnderstood(values.problem)
    return translateFields(account, statuses, values.values)
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
  'failureCode',
  'failureReason',
] as const satisfies Field[]

/** Where these are declared they have to be there: to go on without one would be a guess. */
const required: ReadonlySet<Field> = new Set<Field>(['reference', 'amount', 'currency', 'status'])

type Values = Partial<Record<Field, string>>

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

function translateFields(
  { id, currency, translate: rules }: GenericAccount,
  statuses: ReadonlyMap<string, ObservedStatus>,
  values: Values,
): Translation {
  const { reference = '', amount: amountText = '', providerReference, accountNumber } = values
  const status = statuses.get(values.status ?? '')
  if (!status) return notUnderstood(`The status at ${rules.status} is none of those in \`statuses\`.`)
  const amount = readAmount(amountText, (values.currency ?? currency).toUpperCase(), rules.amountUnit)
  if (!amount.ok)
    return notUnderstood(`The amount at ${rules.amount} cannot be read exactly (${amount.problem}).`)
  const occurredAt = values.occurredAt === undefined ? undefined : readTimestamp(values.occurredAt)
  if (values.occurredAt !== undefined && occurredAt === undefined)
    return notUnderstood(`The occurredAt at ${rules.occurredAt} is not a time.`)
  return {
    outcome: 'understood',
    observation: {
      kind: 'transfer',
      source: 'callback',
      account: id,
      reference,
      status,
      amount: amount.money,
      ...(providerReference !== undefined && { providerReference }),
      ...(accountNumber !== undefined && { payee: { kind: 'bank', number: accountNumber } }),
      ...(status === 'failed' && { failure: describeFailure(values) }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
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

function describeFailure({ failureReason }: Values): Failure {
  const code = 'declined-by-provider'
  return failureReason === undefined ? { code } : { code, reason: failureReason }
}

function notUnderstood(reason: string): Translation {
  return { outcome: 'not-understood', reason }
}
