/** One round of the real watch of the account, by a process of its own, with the simulated provider at the other end. */
import type { AppError } from '../../../src/domain/errors.ts'
import type { ReceiptId } from '../../../src/domain/ids.ts'
import type { Intent } from '../../../src/domain/intent.ts'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import type { Vault } from '../../../src/store/vault.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import type { Reconcile } from '../../../src/workers/reconcile.ts'
import { createWatchAccount } from '../../../src/workers/watch/watch-account.ts'
import { account } from '../../model/things.ts'
import type { Parts } from '../stage.ts'
import type { Actor } from '../turnstile.ts'
import { accountNumbers, names } from '../words.ts'
import type { Desk, Post } from './provider.ts'

const minute = 60_000
const times = { firstMs: minute / 2, everyMs: minute, overdueMs: 60 * minute, giveUpMs: 7 * 24 * 60 * minute }

export interface WatcherDeps {
  desk: Desk
  post: Post
  translator: AccountProvider
  reconcileWith(parts: Parts): Reconcile
  isPaused(): boolean
  mintReceipt(): ReceiptId
  clock: () => number
  fail(error: unknown): void
}

export function createWatcher(deps: WatcherDeps) {
  const { desk, post, translator, reconcileWith, isPaused, mintReceipt, clock, fail } = deps
  const { orders, questions, reservationMs } = desk

  /** What the watch only logs is a mistake here, unless it is trouble with Redis. */
  function strict(reconcile: Reconcile): Pick<Reconcile, 'applyAll'> {
    return {
      async applyAll(receipts) {
        const failed = await reconcile.applyAll(receipts)
        for (const { error } of failed) fail(causeOf(error))
        return failed
      },
    }
  }

  const logger = {
    ...silentLogger,
    warn: (_: string, { error }: { error?: unknown } = {}) => error !== undefined && fail(error),
    error: (message: string, { error }: { error?: unknown } = {}) => fail(error ?? new Error(message)),
  } as typeof silentLogger

  return async (parts: Parts, actor: Actor): Promise<void> => {
    const one = createWatchAccount({
      account,
      client: post.clientFor(actor),
      translate: translator.translate,
      terms: { orders, questions, watch: times, ...(reservationMs !== undefined && { reservationMs }) },
      intents: parts.intents,
      vault: { openAllSecrets: openAllSecrets as Vault['openAllSecrets'] },
      reconcile: strict(reconcileWith(parts)),
      watch: parts.watch,
      isPaused: async () => isPaused(),
      mintReceipt,
      clock,
      wait: async () => {},
      logger,
      inFlightMax: 4,
      leaseMs: minute,
      isStopping: () => false,
      poke: () => {},
    })
    await one.round()
    await one.drained()
  }
}

function causeOf(error: AppError): unknown {
  return error.code === 'internal-error' ? (error.cause ?? error) : error
}

/** What is personal, as it would be opened. */
async function openAllSecrets(intents: readonly Intent[]): Promise<object[]> {
  const beneficiary = { kind: 'bank', bankCode: '014', accountNumber: accountNumbers.own, name: names.own }
  const person = { openid: 'openid', name: names.own, idCard: '1' }
  return intents.map(({ kind }) => (kind === 'coupon' ? person : { beneficiary }))
}
