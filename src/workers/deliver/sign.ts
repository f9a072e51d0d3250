/**
 * The signatures of a push, as Standard Webhooks have them: HMAC-SHA-256 over id, time and body. By `node:crypto`: the
 * standard's library does it in JavaScript, in 16 µs instead of 2, which was the dearest single step of a delivery.
 * What is made of a secret is kept, since every push would make it anew.
 */
import { createKeyedDigest } from '../../seal/hmac.ts'

export interface Signed {
  id: string
  at: number
  body: string
}

/** The value of `webhook-signature`: one `v1,…` for each secret. */
export type Sign = (secrets: readonly string[], signed: Signed) => string

type Digest = ReturnType<typeof createKeyedDigest>

/** Secrets come and go with rotations and subscriptions; beyond this all are made anew once. */
const keptMax = 1_000
const prefix = 'whsec_'

export function createSign(): Sign {
  const kept = new Map<string, Digest>()

  function digestOf(secret: string): Digest {
    const known = kept.get(secret)
    if (known) return known
    if (kept.size >= keptMax) kept.clear()
    const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : secret, 'base64')
    if (key.length === 0) throw new RangeError('An empty secret signs nothing.')
    const made = createKeyedDigest(key, 'base64')
    kept.set(secret, made)
    return made
  }

  return (secrets, { id, at, body }) => {
    const signed = `${id}.${Math.floor(at / 1000)}.${body}`
    return secrets.map((secret) => `v1,${digestOf(secret)(signed)}`).join(' ')
  }
}
