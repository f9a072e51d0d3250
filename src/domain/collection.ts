import type { CollectionId } from './ids.ts'
import type { IntentBase } from './intent.ts'
import type { Money } from './money.ts'

export const collectionStates = ['completed'] as const
export type CollectionState = (typeof collectionStates)[number]

/** What is sealed of a pay-in. */
export interface CollectionSecrets {
  customerName?: string
}

/** Money that was paid in. Nobody registers one: the provider's word makes it, once. */
export interface Collection extends IntentBase {
  kind: 'collection'
  id: CollectionId
  /** The provider's number, under which it is known. */
  transaction: string
  amount: Money
  fee?: Money
  net?: Money
  channel?: string
  /** The bank network's number. */
  rrn?: string
  state: CollectionState
  completedAt: number
}
