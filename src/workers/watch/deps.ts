/** What the pieces of the watch of one account have in common. */
import type { ReceiptId } from '../../domain/ids.ts'
import type { Client } from '../../providers/client.ts'
import type { AccountProvider } from '../../providers/provider.ts'
import type { IntentStore, Loaded } from '../../store/intents.ts'
import type { OrderSteps } from '../../store/order-steps.ts'
import type { Vault } from '../../store/vault.ts'
import type { Watch } from '../../store/watch.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Reconcile } from '../reconcile.ts'
import type { Terms } from './plan.ts'

export interface AccountDeps {
  account: string
  client: Client
  translate: AccountProvider['translate']
  terms: Terms
  intents: Pick<IntentStore, 'load' | 'commit' | 'commitAll' | 'listMembers'>
  /** Where the step before an order has to be on replicas too. */
  orderSteps?: OrderSteps | undefined
  vault: Pick<Vault, 'openAllSecrets'>
  reconcile: Pick<Reconcile, 'applyAll'>
  watch: Watch
  /** Nothing is sent while this says so. */
  isPaused(): Promise<boolean>
  mintReceipt(): ReceiptId
  clock: () => number
  /** Ends early where it is told to stop. */
  wait(ms: number): Promise<void>
  logger: Logger
}

export type Found = Extract<Loaded, { outcome: 'found' }>

/** What one process has taken for itself for a while. */
export interface Turn {
  found: Found
  /** Of a call that is made now: it ends before somebody else may take this. */
  signal(): AbortSignal
  /** Before something that takes long. */
  extend(): Promise<void>
  isStopping(): boolean
}

/** When it is to be looked at again. */
export interface Later {
  at: number
  /** Where a step of our own has put it meanwhile: nobody else has wished for that. */
  ownAt?: number
  /** Nothing of this kind can leave until then. */
  coolUntil?: number
}
