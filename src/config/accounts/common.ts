/** What the accounts of every provider have in common, and the pieces their schemas are made of. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { isCurrency } from '../../domain/money.ts'
import { invalidConfiguration } from '../invalid.ts'
import { resolveSending, type SendingSettings, sendingFields, type WatchSettings } from './sending.ts'

export const text = z.string({
  error: (issue) => (issue.input === undefined ? 'It is required.' : 'It must be text; put it in quotes.'),
})

/** A literal, a file (relative to the configuration file's folder), or a variable of the environment. */
export const secret = z.union(
  [
    z.string().min(1),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ env: z.string().min(1) }),
  ],
  {
    error: (issue) =>
      issue.input === undefined ? 'It is required.' : 'It must be {file: …}, {env: …} or a literal.',
  },
)
export type Secret = z.output<typeof secret>

export const toleranceSeconds = z.int().min(1).max(86_400).default(300)

export const network = text.refine(isNetwork, 'It must be an address or a network, as 101.226.103.0/25.')

function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}
/** Compared in lower case, as Node hands headers over. */
export const headerName = text
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'It must be the name of a header: letters, digits and hyphens.')
  .transform((name) => name.toLowerCase())

export const commonFields = {
  id: text.regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'It appears in the callback URL: lower-case letters, digits and hyphens, at most 63.',
  ),
  currency: text.regex(/^[A-Z]{3}$/, 'It must be an ISO 4217 code, as IDR.'),
  /** For how long a callback is remembered, so that one that comes again is known. */
  duplicateWindowDays: z.int().min(1).max(3650).default(35),
  /** Callbacks that wait for what they are about to be registered. */
  parkedMax: z.int().min(1).max(10_000_000).default(10_000),
  /** For how long what is settled stays in Redis: what it is about, and the callbacks as they came. */
  retention: z
    .strictObject({
      finalDays: z.int().min(1).max(3650).optional(),
      receiptDays: z.int().min(1).max(3650).optional(),
    })
    .prefault({}),
  ...sendingFields,
  sources: z.array(network).min(1, 'It needs at least one address; leave it out to allow all.').optional(),
}

/** What the accounts of every provider have beside their credentials. */
export interface CommonSettings extends SendingSettings {
  duplicateWindowMs: number
  parkedMax: number
  retention: { finalMs: number; receiptMs: number }
}

const commonSchema = z.object(commonFields)
/** What of the file is looked at here. */
type CommonFile = Omit<z.output<typeof commonSchema>, 'id' | 'currency' | 'sources'>

const dayMs = 24 * 60 * 60 * 1000

const retentionDays = 90

export function resolveCommon(file: CommonFile, path: string, watch?: WatchSettings): CommonSettings {
  const { duplicateWindowDays, parkedMax } = file
  // A long window without a word about retention makes that as long.
  const { finalDays = usual(duplicateWindowDays), receiptDays = usual(duplicateWindowDays) } = file.retention
  for (const [name, days] of Object.entries({ finalDays, receiptDays })) {
    if (days >= duplicateWindowDays) continue
    throw invalidConfiguration(
      `${path}.retention.${name}`,
      `It is less than duplicateWindowDays, which is ${duplicateWindowDays}: what is remembered that long has to be kept that long.`,
    )
  }
  return {
    duplicateWindowMs: duplicateWindowDays * dayMs,
    parkedMax,
    retention: { finalMs: finalDays * dayMs, receiptMs: receiptDays * dayMs },
    ...resolveSending(file, path, watch),
  }
}

function usual(duplicateWindowDays: number): number {
  return Math.max(retentionDays, duplicateWindowDays)
}

/** For an account that has left the configuration. */
export const commonDefaults: CommonSettings = resolveCommon(
  commonSchema.omit({ id: true, currency: true, sources: true }).parse({}),
  'accounts',
)

export function checkCurrency(currency: string, path: string): void {
  if (!isCurrency(currency)) throw invalidConfiguration(`${path}.currency`, 'This currency is not known.')
}
