/**
 * What a signature's header holds. One signature; or several, set apart by a separator; or named parts, as Stripe's
 * `t=1492774577,v1=5257…,v1=6ffb…`, of which one may be the timestamp. Parts of other names and signatures without the
 * prefix are somebody else's (an older scheme beside the new one) and are passed over.
 */
import type { TemplatedScheme } from './account.ts'
import { decodeExactly } from './encoding.ts'

export interface SignatureHeader {
  signatures: Buffer[]
  /** The named part that is the timestamp. */
  timestamp?: string | undefined
}

/** Providers send one for each of their keys. Each costs a check under each of ours, so they are few. */
export const signaturesMax = 8

/** Undefined where there is no signature in it that could be one, or more than one timestamp. */
export function readSignatureHeader(scheme: TemplatedScheme, text: string): SignatureHeader | undefined {
  if (scheme.separator === undefined && scheme.signaturePart === undefined) {
    const signature = readSignature(scheme, text)
    return signature && { signatures: [signature] }
  }
  const items =
    scheme.separator === undefined ? [text] : text.split(scheme.separator).map((item) => item.trim())
  // No sender leaves a place in a list empty; what is cut or added is not what was sent.
  if (items.includes('')) return undefined
  const named = scheme.signaturePart === undefined ? undefined : items.map(readPart)
  const texts = named ? valuesOf(named, scheme.signaturePart) : items
  const signatures = texts.map((item) => readSignature(scheme, item)).filter((bytes) => bytes !== undefined)
  if (signatures.length === 0 || signatures.length > signaturesMax) return undefined
  if (!named || !scheme.timestamp || !('part' in scheme.timestamp.from)) return { signatures }
  const [timestamp, ...more] = valuesOf(named, scheme.timestamp.from.part)
  return more.length === 0 ? { signatures, timestamp } : undefined
}

function readSignature({ prefix, encoding }: TemplatedScheme, text: string): Buffer | undefined {
  return text.startsWith(prefix) ? decodeExactly(text.slice(prefix.length), encoding) : undefined
}

type Part = { name: string; value: string }

/** Only the first `=` separates: base64 ends in more of them. */
function readPart(item: string): Part {
  const at = item.indexOf('=')
  return at < 0 ? { name: '', value: item } : { name: item.slice(0, at), value: item.slice(at + 1) }
}

function valuesOf(parts: readonly Part[], name: string | undefined): string[] {
  return parts.filter((part) => part.name === name).map(({ value }) => value)
}
