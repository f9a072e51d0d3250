/**
 * How a provider is asked about one transfer: one request, with our reference in its URL or its body. What the reference
 * holds must not change the request, so it is encoded for where it stands, and it stands where that can be done.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { readBaseUrl } from '../base-url.ts'
import { invalidConfiguration } from '../invalid.ts'
import { readSecret, type SecretSources } from '../secrets.ts'
import { type Secret, secret, text } from './common.ts'
import { pointer, resolveTranslate, translateSchema } from './generic-translate.ts'

/** These say that the question was not answered, and nothing of what was asked about. */
const noAnswers: ReadonlySet<number> = new Set([401, 403, 407, 408, 429])

export const querySchema = z.strictObject({
  method: z.enum(['GET', 'POST']).default('GET'),
  url: text,
  headers: z.record(z.string(), secret).default({}),
  /** Of a POST: a template as well. */
  body: text.min(1).optional(),
  found: pointer.optional(),
  notFound: z
    .strictObject({
      statuses: z
        .array(
          z
            .int()
            .min(400)
            .max(499)
            .refine((status) => !noAnswers.has(status), 'It says nothing of what was asked about.'),
        )
        .min(1, 'It needs at least one; leave it out for 404.'),
    })
    .default({ statuses: [404] }),
  translate: translateSchema.optional(),
})

type QueryFile = z.output<typeof querySchema>
type Translate = ReturnType<typeof resolveTranslate>

const variable = '{reference}'
/** What stands in its place while a template is looked at. */
const probe = 'tallyhook-reference'

export function resolveQuery(
  file: QueryFile,
  path: string,
  { sources, usual }: { sources: SecretSources; usual: Translate },
) {
  const { method, found, notFound } = file
  const url = readUrl(file.url, `${path}.url`)
  const headers = readHeaders(file.headers, `${path}.headers`, sources)
  const body = file.body === undefined ? undefined : readBody(file.body, headers, file, path)
  if (!file.url.includes(variable) && file.body?.includes(variable) !== true)
    throw invalidConfiguration(
      `${path}.url`,
      `It has to hold ${variable}, or the body has: else it asks about nothing.`,
    )
  return {
    method,
    ...url,
    headers: hide({
      accept: 'application/json',
      ...(body && { 'content-type': body.contentType }),
      ...headers,
    }),
    ...(body && { body: { encoding: body.encoding, parts: body.parts } }),
    ...(found !== undefined && { found }),
    notFound: notFound.statuses,
    translate: file.translate ? resolveTranslate(file.translate, `${path}.translate`) : usual,
  }
}

/** The pieces between which the reference stands. */
function readUrl(template: string, path: string): { baseUrl: string; path: string[] } {
  if (/[{}]/.test(template.replaceAll(variable, '')))
    throw invalidConfiguration(path, `It may hold ${variable}, and no other braces.`)
  const filled = template.replaceAll(variable, probe)
  const url = URL.canParse(filled) ? new URL(filled) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || filled.includes('#'))
    throw invalidConfiguration(
      path,
      `It must be a URL without credentials and fragment, as https://api.provider.example/payouts/${variable}.`,
    )
  if (url.origin.includes(probe))
    throw invalidConfiguration(path, `${variable} may stand in the path and in the query alone.`)
  return { baseUrl: readBaseUrl(url.origin, path), path: `${url.pathname}${url.search}`.split(probe) }
}

/** What a request has of its own, or what would change how its answer is read. */
const ownHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function readHeaders(
  given: Record<string, Secret>,
  path: string,
  sources: SecretSources,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    const place = `${path}.${name}`
    const key = name.toLowerCase()
    if (!/^[a-z0-9-]{1,64}$/.test(key))
      throw invalidConfiguration(place, 'It must be the name of a header: letters, digits and hyphens.')
    if (ownHeaders.has(key)) throw invalidConfiguration(place, 'The request sets this header itself.')
    if (Object.hasOwn(headers, key)) throw invalidConfiguration(place, 'This header is given twice.')
    const secretText = readSecret(value, place, sources)
    if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secretText))
      throw invalidConfiguration(place, 'It must be one line of printable ASCII.')
    headers[key] = secretText
  }
  return headers
}

/** Among them are credentials: as keys they print nowhere. */
function hide(headers: Record<string, string>): Record<string, KeyObject> {
  const hidden = Object.entries(headers).map(([name, value]) => [name, createSecretKey(value, 'utf8')])
  return Object.fromEntries(hidden) as Record<string, KeyObject>
}

/** Written into JSON and into a form alone: how a text is kept from breaking anything else is not known. */
function readBody(template: string, headers: Record<string, string>, { method }: QueryFile, path: string) {
  if (method !== 'POST') throw invalidConfiguration(`${path}.body`, 'A body belongs to method: POST.')
  const contentType = headers['content-type'] ?? 'application/json'
  const media = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const parts = template.split(variable)
  if (media === 'application/x-www-form-urlencoded') return { contentType, encoding: 'form' as const, parts }
  if (media !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(media))
    throw invalidConfiguration(
      `${path}.headers.content-type`,
      'It must be JSON or application/x-www-form-urlencoded where there is a body.',
    )
  checkJson(parts, `${path}.body`)
  return { contentType, encoding: 'json' as const, parts }
}

/** A reference that holds what JSON has to escape must come out as it went in. */
function checkJson(parts: readonly string[], path: string): void {
  const awkward = '"}\\{'
  const filled = parts.join(JSON.stringify(awkward).slice(1, -1))
  const intact = (value: unknown): boolean =>
    typeof value === 'string' ? value.includes(awkward) : Object.values(Object(value)).some(intact)
  try {
    const parsed: unknown = JSON.parse(filled)
    if (parts.length === 1 || intact(parsed)) return
  } catch {
    // Said below.
  }
  throw invalidConfiguration(path, `It must be JSON, with ${variable} within quotes as a value.`)
}
