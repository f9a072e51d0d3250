/**
 * Refused callbacks, kept for an operator to look at, and to verify again after a key was mended: the newest of each
 * account, with the reason. It is a courtesy and never a promise: nothing waits for it, and a flood of forgeries pushes
 * out older ones and nothing else.
 *
 * What came over the wire (body, headers, path) is sealed as one: a wrong Authorization header may be a real credential
 * with a typing mistake, so headers are never shown. Cookies are not kept at all.
 */
import type { IdMaker, ReceiptId } from '../domain/ids.ts'
import { receiptIdFloor } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { decodeRequest, encodeRequest, type KeptRequest } from './quarantine-codec.ts'
import type { Scripts } from './scripts.ts'
import type { Sealer } from './vault.ts'

export interface RefusedCallback {
  account: string
  reason: string
  source: string
  receivedAt: number
  /** SHA-256 of the raw body, hex. */
  digest: string
  path: string
  /** All of them. */
  headers: Record<string, string>
  body: Uint8Array
}

export interface QuarantineEntry extends Omit<RefusedCallback, 'path' | 'headers' | 'body'> {
  v: 1
  id: ReceiptId
  /** Of the body. */
  bytes: number
  /** Path, headers and body; absent where the body was too large to keep. */
  sealed?: string
}

export interface Quarantine {
  keep(refused: RefusedCallback): Promise<void>
  /** Newest first; `after` is the last id of the page before. */
  list(request: { accounts: readonly string[]; after?: string | undefined; limit: number }): Promise<{
    entries: QuarantineEntry[]
    next: string | null
  }>
  find(id: ReceiptId, accounts: readonly string[]): Promise<QuarantineEntry | undefined>
  /** What came over the wire; undefined where it was too large to keep. */
  open(entry: QuarantineEntry): (KeptRequest & { body: Buffer }) | undefined
  remove(entry: QuarantineEntry): Promise<void>
}

export interface QuarantineDeps {
  redis: RedisClient
  scripts: Scripts
  keys: Keys
  sealer: Sealer
  ids: Pick<IdMaker, 'receiptId'>
  /** Of each account. */
  limits: { keep: number; days: number }
  clock: () => number
}

/** A body that is larger is noted by its digest alone. */
export const keptBodyBytesMax = 16 * 1024

/** While Redis is slow, forgeries must not gather in memory. */
const pendingMax = 64

const dayMs = 86_400_000

export function createQuarantine(deps: QuarantineDeps): Quarantine {
  const { redis, scripts, keys, sealer, limits } = deps
  const keptMs = limits.days * dayMs
  const oldest = () => receiptIdFloor(deps.clock() - keptMs)
  let pending = 0

  async function listAccount(account: string, below: string, limit: number): Promise<QuarantineEntry[]> {
    const index = keys.quarantineIndex(account)
    const found = await redis.zrevrangebylex(index, below, `[${oldest()}`, 'LIMIT', 0, limit)
    if (found.length === 0) return []
    const texts = await redis.hmget(keys.quarantine(account), ...found)
    return texts.flatMap((text) => (text === null ? [] : [readEntry(text)]))
  }

  return {
    async keep({ path, headers, body, ...rest }) {
      if (pending >= pendingMax) return
      pending++
      try {
        const id = deps.ids.receiptId()
        const entry: QuarantineEntry = { v: 1, id, ...rest, bytes: body.length }
        if (body.length <= keptBodyBytesMax)
          entry.sealed = sealer.seal(encodeRequest({ path, headers, body }), quarantinePlace(id))
        await scripts.keepRefused(
          [keys.quarantineIndex(rest.account), keys.quarantine(rest.account)],
          [id, JSON.stringify(entry), String(limits.keep), oldest(), String(keptMs)],
        )
      } finally {
        pending--
      }
    },

    async list({ accounts, after, limit }) {
      const below = after === undefined ? '+' : `(${after}`
      // One command an account, and not a pipeline: on a cluster each may live on another node.
      const found = await Promise.all(accounts.map((account) => listAccount(account, below, limit + 1)))
      const entries = found.flat().sort((a, b) => (a.id < b.id ? 1 : -1))
      const page = entries.slice(0, limit)
      return { entries: page, next: entries.length > limit ? (page.at(-1)?.id ?? null) : null }
    },

    async find(id, accounts) {
      if (id < oldest()) return undefined
      const texts = await Promise.all(accounts.map((account) => redis.hget(keys.quarantine(account), id)))
      const text = texts.find((one) => typeof one === 'string')
      return text ? readEntry(text) : undefined
    },

    open(entry) {
      if (entry.sealed === undefined) return undefined
      return decodeRequest(sealer.open(entry.sealed, quarantinePlace(entry.id)))
    },

    async remove({ id, account }) {
      // The index last: an entry without it is invisible, and one that is listed can be removed again.
      await redis.hdel(keys.quarantine(account), id)
      await redis.zrem(keys.quarantineIndex(account), id)
    },
  }
}

export function quarantinePlace(id: string): string {
  return `quarantine:${id}`
}

function readEntry(text: string): QuarantineEntry {
  return JSON.parse(text) as QuarantineEntry
}
