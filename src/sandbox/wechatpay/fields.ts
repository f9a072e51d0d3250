/** Fields as the documents bound them, and the first that is at fault, by its path in the body. */
import { z } from 'zod'
import { openField, type PlatformKeyPair } from './platform.ts'
import { paramError, type Read, read, refuse } from './problem.ts'

/** Characters and not UTF-16 units. */
export const text = (max: number) =>
  z
    .string({ error: 'It must be a string.' })
    .min(1, 'It is empty.')
    .refine((value) => [...value].length <= max, `It has more than ${max} characters.`)

export const word = (pattern: RegExp, issue: string) =>
  z.string({ error: 'It must be a string.' }).regex(pattern, issue)

export const fen = z
  .int({ error: 'It must be a whole number of fen.' })
  .min(1, 'It must be one fen at least.')

export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `It must be one of ${values.join(', ')}.` })

export function readFields<S extends z.ZodType>(
  schema: S,
  value: unknown,
  location: 'body' | 'query' = 'body',
): Read<z.output<S>> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return read(parsed.data)
  const [issue] = parsed.error.issues
  const path = issue?.path.join('/') ?? ''
  const field = location === 'body' ? `/${path}` : path
  const missing = issue?.code === 'invalid_type' && isMissing(value, issue.path)
  return refuse(paramError(location, field, missing ? 'It is missing.' : (issue?.message ?? '')))
}

function isMissing(value: unknown, path: PropertyKey[]): boolean {
  let at: unknown = value
  for (const name of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[name]
  return at === undefined
}

export function readBody(bytes: Uint8Array): Read<unknown> {
  try {
    return read(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown)
  } catch {
    return refuse(paramError('body', '', 'It is not JSON in UTF-8.'))
  }
}

/** The key that encrypted fields are under: `Wechatpay-Serial` names it. */
export function findEncryptingKey(
  serial: string | undefined,
  find: (serial: string) => PlatformKeyPair | undefined,
): Read<PlatformKeyPair> {
  const at = (issue: string) => refuse(paramError('header', 'Wechatpay-Serial', issue))
  if (!serial) return at('It is missing, and must name the key that fields are encrypted under.')
  const key = find(serial)
  return key ? read(key) : at('It names no key of the platform.')
}

export function readSecret(text: string, field: string, key: PlatformKeyPair): Read<string> {
  const opened = openField(text, key)
  if (opened === undefined)
    return refuse(paramError('body', field, 'It does not decrypt under the key that Wechatpay-Serial names.'))
  return opened === '' ? refuse(paramError('body', field, 'It is empty.')) : read(opened)
}
