/**
 * Finds a receipt by its id alone, wherever it rests: recorded with its outcome, ready to be put on the queue, or in the
 * archive.
 */

import type { ReceiptId } from '../domain/ids.ts'
import { erasedBody, type Receipt } from '../domain/receipt.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from './archive.ts'
import { readReceiptLine, receiptLineKind } from './codec/kept-intent.ts'
import { decodeReceipt, type ReceiptRecord } from './codec/receipt.ts'
import type { Keys } from './keys.ts'
import { receiptPlace, type Sealer, type Vault } from './vault.ts'

export type FoundReceipt = { where: 'store'; receipt: ReceiptRecord } | { where: 'ready'; receipt: Receipt }

export interface ReceiptFinderDeps {
  redis: RedisClient
  keys: Keys
  archive: Pick<Archive, 'find'>
}

export interface ReceiptFinder {
  find(id: ReceiptId): Promise<FoundReceipt | undefined>
}

export function createReceiptFinder({ redis, keys, archive }: ReceiptFinderDeps): ReceiptFinder {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  return {
    async find(id) {
      // Its transfer, and so its partition, is not in its id: all are asked at once.
      const recorded = firstOf(await Promise.all(partitions.map((p) => redis.get(keys.receipt(p, id)))))
      if (recorded) return { where: 'store', receipt: decodeReceipt(recorded) }
      const ready = firstOf(await Promise.all(partitions.map((p) => redis.hget(keys.ready(p), id))))
      if (ready) return { where: 'ready', receipt: JSON.parse(ready) as Receipt }
      const line = await archive.find({ id, kind: receiptLineKind })
      return line && { where: 'store', receipt: readReceiptLine(id, line) }
    },
  }
}

/** A receipt that is recorded is sealed for a person, any other by the keyring. Undefined where it was erased. */
export type OpenBody = (receipt: Receipt | ReceiptRecord) => Promise<Buffer | undefined>

export function createOpenBody({
  keys,
  sealer,
  vault,
}: {
  keys: Keys
  sealer: Sealer
  vault: Pick<Vault, 'openBody'>
}): OpenBody {
  return async (receipt) => {
    const { id, body } = receipt
    if (body === erasedBody) return undefined
    if (!('person' in receipt)) return Buffer.from(sealer.open(body, receiptPlace(id)))
    const partition = keys.partitionOf(receipt.intent)
    return vault.openBody({ partition, person: receipt.person, other: receipt.other }, id, body)
  }
}

function firstOf(texts: readonly (string | null)[]): string | undefined {
  return texts.find((text) => text !== null) ?? undefined
}
