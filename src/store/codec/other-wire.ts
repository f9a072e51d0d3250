/** Batches, coupons and pay-ins are few beside transfers: they rest under their own names, with money as text. */
import { AppError } from '../../domain/errors.ts'
import type { IntentId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { Money } from '../../domain/money.ts'
import type { Transfer } from '../../domain/transfer.ts'

type Other = Exclude<Intent, Transfer>

export interface OtherWire {
  v: 2
  k: Other['kind']
  [field: string]: unknown
}

export function toOtherWire({ kind, id: _, ...fields }: Other): OtherWire {
  return { v: 2, k: kind, ...(mapMoney(fields, writeMoney) as object) }
}

export function fromOtherWire(id: IntentId, { v, k, ...fields }: OtherWire): Other {
  if (v !== 2) throw new AppError('internal-error', { detail: 'A record is not readable by this version.' })
  return { kind: k, id, ...(mapMoney(fields, readMoney) as object) } as unknown as Other
}

const mark = '$'

function writeMoney(value: unknown): unknown {
  const { minor, currency } = Object(value) as Partial<Money>
  return typeof minor === 'bigint' ? { [mark]: `${minor} ${currency}` } : undefined
}

function readMoney(value: unknown): Money | undefined {
  const text = (Object(value) as Record<string, unknown>)[mark]
  if (typeof text !== 'string') return undefined
  const [minor = '', currency = ''] = text.split(' ')
  return { minor: BigInt(minor), currency }
}

/** Every money in it, however deep, is put in its other form. */
function mapMoney(value: unknown, change: (value: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const changed = change(value)
  if (changed !== undefined) return changed
  if (Array.isArray(value)) return value.map((one) => mapMoney(one, change))
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapMoney(one, change)]))
}
