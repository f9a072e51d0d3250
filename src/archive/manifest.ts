/**
 * What a closed segment holds, in one line of JSON. Everything in it follows from the segment's bytes, so whoever checks
 * it makes it again and compares the bytes: nothing in it can be changed unseen, and two processes that finish the same
 * segment write the same.
 */
import { z } from 'zod'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)

const manifestSchema = z.strictObject({
  version: z.literal(1),
  segment: z.string(),
  writer: z.string(),
  number: z.int().min(1),
  /** Of the last line of the segment before; of the first segment the hash of the writer's id. */
  previous: hash,
  /** Of the first and the last line. */
  first: z.strictObject({ n: z.int().min(1), hash }),
  last: z.strictObject({ n: z.int().min(1), hash }),
  lines: z.int().min(1),
  bytes: count,
  sha256: hash,
  from: z.int(),
  to: z.int(),
  kinds: z.record(z.string(), count),
  accounts: z.record(z.string(), count),
  index: z.strictObject({ entries: count, sha256: hash }),
})
export type Manifest = z.output<typeof manifestSchema>

export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest)}\n`)
}

/** Undefined also when its bytes are not exactly those that we would have written. */
export function decodeManifest(bytes: Buffer): Manifest | undefined {
  try {
    const manifest = manifestSchema.parse(JSON.parse(bytes.toString()))
    return encodeManifest(manifest).equals(bytes) ? manifest : undefined
  } catch {
    return undefined
  }
}

/** The names of the fields in which the two differ. */
export function compareManifests(a: Manifest, b: Manifest): string[] {
  const names = Object.keys(a) as (keyof Manifest)[]
  return names.filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
}
