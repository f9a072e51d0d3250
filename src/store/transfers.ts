/** Transfers, their receipts and their events: what is written together is written here, by one script each. */

import { AppError } from '../domain/errors.ts'
import type { TransferEvent } from '../domain/event.ts'
import type { TransferId } from '../domain/ids.ts'
import type { Receipt, ReceiptOutcome } from '../domain/receipt.ts'
import type { Transfer } from '../domain/transfer.ts'
import type { RedisClient } from '../redis/client.ts'
import { describeNumber } from './account-number.ts'
import { decodeTransfer, encodeChange, type Sealer } from './codec.ts'
import type { Keys } from './keys.ts'
import type { Scripts } from './scripts.ts'

export type Registration =
  | { outcome: 'registered'; transfer: Transfer; madeReady: number }
  | { outcome: 'exists'; transfer: Transfer }

export type Commit =
  | { outcome: 'committed' }
  | { outcome: 'moved-on' }
  | { outcome: 'recorded-before'; result: ReceiptOutcome }

export interface CommitRequest {
  /** The transfer as it was decided on. */
  before: Transfer
  /** What changed, or nothing did. */
  event: TransferEvent | undefined
  receipt: Receipt
  result: ReceiptOutcome
  at: number
}

export interface TransferStore {
  find(id: TransferId): Promise<Transfer | undefined>
  register(event: TransferEvent): Promise<Registration>
  commit(request: CommitRequest): Promise<Commit>
  /** `registered`: it is there by now, so decide instead. */
  park(id: TransferId, receipt: Receipt): Promise<'parked' | 'registered'>
  findReceipt(id: TransferId, receipt: Receipt['id']): Promise<ReceiptRecord | undefined>
}

/** A receipt as the store keeps it: with what became of it, and of which transfer. */
export interface ReceiptRecord extends Receipt {
  v: 1
  transfer: TransferId
  outcome: ReceiptOutcome
  /** The transfer's sequence that was decided on. */
  decidedOn: number
  decidedAt: number
}

export interface TransferStoreDeps {
  redis: RedisClient
  scripts: Scripts
  keys: Keys
  sealer: Sealer
  /** Keyed: who reads Redis learns no account number from it. */
  digestNumber(text: string): string
}

export function createTransferStore(deps: TransferStoreDeps): TransferStore {
  const { redis, scripts, keys, sealer } = deps
  return {
    async find(id) {
      const record = await redis.get(keys.transfer(id))
      return record === null ? undefined : decodeTransfer(id, record, sealer)
    },

    async register(event) {
      const { id } = event.transfer
      const partition = keys.partitionOf(id)
      const written = encodeChange(event, sealer)
      const [code, value] = await scripts.registerTransfer(
        [
          keys.transfer(id),
          keys.parked(id),
          keys.ready(partition),
          keys.events(partition),
          keys.beneficiary(partition, deps.digestNumber(describeNumber(event.transfer.beneficiary))),
        ],
        [
          written.record,
          written.event,
          keys.wakeChannel,
          String(partition),
          id,
          String(event.transfer.createdAt),
        ],
      )
      if (code === 1) return { outcome: 'registered', transfer: event.transfer, madeReady: Number(value) }
      return { outcome: 'exists', transfer: decodeTransfer(id, String(value), sealer) }
    },

    async commit({ before, event, receipt, result, at }) {
      const partition = keys.partitionOf(before.id)
      const written = event ? encodeChange(event, sealer) : { record: '', event: '' }
      const record: ReceiptRecord = {
        ...receipt,
        v: 1,
        transfer: before.id,
        outcome: result,
        decidedOn: before.sequence,
        decidedAt: at,
      }
      const [code, recorded] = await scripts.commitTransfer(
        [keys.transfer(before.id), keys.receipt(partition, receipt.id), keys.events(partition)],
        [
          String(before.sequence),
          JSON.stringify(record),
          written.record,
          written.event,
          keys.wakeChannel,
          String(partition),
        ],
      )
      switch (code) {
        case 0:
          return { outcome: 'moved-on' }
        case 1:
          return { outcome: 'committed' }
        case 2:
          return { outcome: 'recorded-before', result: readReceipt(recorded ?? '').outcome }
        default:
          throw new AppError('internal-error', { detail: `The commit script answered ${code}.` })
      }
    },

    async park(id, receipt) {
      const args = [receipt.id, JSON.stringify(receipt)]
      const code = await scripts.parkReceipt([keys.transfer(id), keys.parked(id)], args)
      return code === 1 ? 'parked' : 'registered'
    },

    async findReceipt(id, receipt) {
      const text = await redis.get(keys.receipt(keys.partitionOf(id), receipt))
      return text === null ? undefined : readReceipt(text)
    },
  }
}

function readReceipt(text: string): ReceiptRecord {
  return JSON.parse(text) as ReceiptRecord
}
