/**
 * What resealing does to each thing that is kept: the same text with its sealed part under the current key, or undefined
 * where it is so already. What does not open where it lies is never moved: that throws.
 */
import { erasedBody } from '../domain/receipt.ts'
import { jobPlace } from '../queue/job-data.ts'
import { quarantinePlace } from '../store/quarantine.ts'
import { decodeSubscription, encodeSubscription, secretPlace } from '../store/subscription-write.ts'
import { personPlace } from '../store/vault.ts'

export interface Resealer {
  open(sealed: string, place: string): Uint8Array
  seal(plain: Uint8Array, place: string): string
  sealedUnder(sealed: string): string
  /** The id of the key that seals. */
  current: string
}

export interface Changes {
  /** A person's key. */
  person(digest: string, wrapped: string): string | undefined
  receipt(text: string): string | undefined
  quarantined(text: string): string | undefined
  job(id: string, data: string): string | undefined
  subscription(text: string): string | undefined
}

export function createChanges({ open, seal, sealedUnder, current }: Resealer): Changes {
  function reseal(sealed: string, place: string): string | undefined {
    return sealedUnder(sealed) === current ? undefined : seal(open(sealed, place), place)
  }

  function receipt<T extends SealedReceipt>(one: T): T | undefined {
    if (one.body === erasedBody) return undefined
    const body = reseal(one.body, `receipt:${one.id}`)
    return body === undefined ? undefined : { ...one, body }
  }

  return {
    person: (digest, wrapped) => reseal(wrapped, personPlace(digest)),
    receipt: (text) => stringify(receipt(JSON.parse(text) as SealedReceipt)),
    quarantined(text) {
      const entry = JSON.parse(text) as { id: string; sealed?: string }
      const sealed = entry.sealed && reseal(entry.sealed, quarantinePlace(entry.id))
      return sealed ? JSON.stringify({ ...entry, sealed }) : undefined
    },
    job(id, data) {
      const job = JSON.parse(data) as { receipts?: unknown; bodies?: unknown }
      if (typeof job.bodies === 'string') {
        const bodies = reseal(job.bodies, jobPlace(id))
        return bodies && JSON.stringify({ ...job, bodies })
      }
      if (!Array.isArray(job.receipts)) return undefined
      let changed = false
      const receipts = (job.receipts as unknown[]).map((one) => {
        const after = isSealedReceipt(one) ? receipt(one) : undefined
        if (after) changed = true
        return after ?? one
      })
      return changed ? JSON.stringify({ ...job, receipts }) : undefined
    },
    subscription(text) {
      const one = decodeSubscription(text)
      let changed = false
      const secrets = one.secrets.map((secret) => {
        const sealed = reseal(secret.sealed, secretPlace(one.id))
        if (sealed === undefined) return secret
        changed = true
        return { ...secret, sealed }
      })
      return changed ? encodeSubscription({ ...one, secrets }) : undefined
    },
  }
}

interface SealedReceipt {
  id: string
  body: string
}

function isSealedReceipt(value: unknown): value is SealedReceipt {
  const { id, body } = (value ?? {}) as Partial<SealedReceipt>
  return typeof id === 'string' && typeof body === 'string'
}

function stringify(value: object | undefined): string | undefined {
  return value && JSON.stringify(value)
}
