/** The `verify` block of HMAC, RSA-SHA256 and Ed25519 over a template. */
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { invalidConfiguration } from '../invalid.ts'
import type { SecretSources } from '../secrets.ts'
import { headerName, text } from './common.ts'
import { readSecrets, secretEncoding, secretList } from './generic-keys.ts'
import { readPublicKeys } from './generic-public-keys.ts'
import { parseTemplate, type SignedPart } from './generic-template.ts'

const partName = text.regex(/^[A-Za-z0-9_-]{1,32}$/, 'It must be letters, digits, _ and -.')

const shared = {
  header: headerName,
  prefix: z.string().max(64).default(''),
  separator: z
    .string()
    .regex(/^[^A-Za-z0-9+/=_-]{1,4}$/, 'It may hold no character that a signature can hold.')
    .optional(),
  signaturePart: partName.optional(),
  signed: text.min(1).max(512).default('{body}'),
  timestampHeader: headerName.optional(),
  timestampPart: partName.optional(),
  timestampFormat: z.enum(['unix-seconds', 'unix-milliseconds', 'rfc3339']).optional(),
  toleranceSeconds: z.int().min(1).max(86_400).optional(),
}

const encodings = ['hex', 'base64', 'base64url'] as const

export const hmacSchema = z.strictObject({
  scheme: z.enum(['hmac-sha256', 'hmac-sha512']),
  ...shared,
  encoding: z.enum(encodings).default('hex'),
  secrets: secretList,
  secretEncoding: secretEncoding.default('text'),
})

export const publicKeySchema = z.strictObject({
  scheme: z.enum(['rsa-sha256', 'ed25519']),
  ...shared,
  encoding: z.enum(encodings).default('base64'),
  publicKeys: secretList,
})

type TemplatedFile = z.output<typeof hmacSchema> | z.output<typeof publicKeySchema>

const defaultToleranceMs = 300_000

export function resolveTemplated(file: TemplatedFile, path: string, sources: SecretSources) {
  const { scheme, header, encoding, prefix, signaturePart } = file
  const signed = parseTemplate(file.signed, `${path}.signed`)
  const separator = file.separator ?? (signaturePart === undefined ? undefined : ',')
  const timestamp = resolveTimestamp(file, signed, path)
  const keys =
    'secrets' in file
      ? readSecrets(file.secrets, `${path}.secrets`, sources, { encoding: file.secretEncoding, bytesMin: 16 })
      : readPublicKeys(file.publicKeys, `${path}.publicKeys`, sources, (key, place) =>
          checkKind(scheme, key, place),
        )
  return { scheme, header, encoding, prefix, separator, signaturePart, signed, timestamp, keys }
}

/** A timestamp that is not signed is whatever its sender writes, so it would protect nothing. */
function resolveTimestamp(file: TemplatedFile, signed: readonly SignedPart[], path: string) {
  const { timestampHeader, timestampPart, timestampFormat: format, toleranceSeconds } = file
  const isSigned = signed.some(({ kind }) => kind === 'timestamp')
  if (timestampPart !== undefined && file.signaturePart === undefined)
    throw invalidConfiguration(
      `${path}.timestampPart`,
      'It needs a signaturePart: both are parts of one header.',
    )
  if (timestampPart !== undefined && (timestampHeader !== undefined || timestampPart === file.signaturePart))
    throw invalidConfiguration(`${path}.timestampPart`, 'The timestamp stands in one place of its own.')
  if (timestampHeader === undefined && timestampPart === undefined) {
    if (isSigned)
      throw invalidConfiguration(
        `${path}.signed`,
        'It holds {timestamp}; say in timestampHeader where it stands.',
      )
    if (format !== undefined || toleranceSeconds !== undefined)
      throw invalidConfiguration(
        path,
        'Without a timestamp there is no timestampFormat and no toleranceSeconds.',
      )
    return undefined
  }
  if (!isSigned)
    throw invalidConfiguration(
      `${path}.${timestampPart === undefined ? 'timestampHeader' : 'timestampPart'}`,
      'The timestamp is not part of what is signed, so it protects nothing; put {timestamp} into signed.',
    )
  if (format === undefined && touchesBody(signed))
    throw invalidConfiguration(
      `${path}.timestampFormat`,
      'It is required where {timestamp} and {body} touch in signed: milliseconds that are cut short would pass for seconds.',
    )
  const toleranceMs = toleranceSeconds === undefined ? defaultToleranceMs : toleranceSeconds * 1000
  const from: { header: string } | { part: string } =
    timestampPart === undefined ? { header: timestampHeader ?? '' } : { part: timestampPart }
  return { from, format, toleranceMs }
}

/** Then nothing but its form says where the timestamp ends and the body begins. */
function touchesBody(signed: readonly SignedPart[]): boolean {
  const at = signed.findIndex(({ kind }) => kind === 'timestamp')
  return signed[at - 1]?.kind === 'body' || signed[at + 1]?.kind === 'body'
}

function checkKind(scheme: TemplatedFile['scheme'], key: KeyObject, path: string): void {
  const kind = scheme === 'rsa-sha256' ? 'rsa' : 'ed25519'
  if (key.asymmetricKeyType !== kind)
    throw invalidConfiguration(path, `It is not ${kind === 'rsa' ? 'an RSA' : 'an Ed25519'} key.`)
}
