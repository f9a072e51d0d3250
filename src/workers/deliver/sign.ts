/**
 * The signatures of a push, by the library of Standard Webhooks. What it makes of a secret is kept, since every push
 * would make it anew.
 */
import { Webhook } from 'standardwebhooks'

export interface Signed {
  id: string
  at: number
  body: string
}

/** The value of `webhook-signature`: one `v1,…` for each secret. */
export type Sign = (secrets: readonly string[], signed: Signed) => string

/** Secrets come and go with rotations and subscriptions; beyond this all are made anew once. */
const keptMax = 1_000

export function createSign(): Sign {
  const kept = new Map<string, Webhook>()

  function webhookOf(secret: string): Webhook {
    const known = kept.get(secret)
    if (known) return known
    if (kept.size >= keptMax) kept.clear()
    const made = new Webhook(secret)
    kept.set(secret, made)
    return made
  }

  return (secrets, { id, at, body }) => {
    const time = new Date(at)
    return secrets.map((secret) => webhookOf(secret).sign(id, time, body)).join(' ')
  }
}
