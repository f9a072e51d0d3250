/** Callbacks that were acknowledged, on the queue, and the workers who take them from there. */
import { createHash } from 'node:crypto'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { OpenReceipt } from '../../src/domain/receipt.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import type { BroughtReceipt, ObserveDeps } from '../../src/workers/observe.ts'
import { createReconcile, type Reconcile, type ReconcileDeps } from '../../src/workers/reconcile.ts'
import { account } from '../model/things.ts'
import type { Crew } from './crew.ts'
import type { Parts } from './stage.ts'
import type { Actor } from './turnstile.ts'

export interface Jobs {
  /** Acknowledged, in this order. */
  acknowledged: readonly OpenReceipt[]
  /** Those with a case of their own. */
  cased: ReadonlySet<ReceiptId>
  waiting(): number
  callBack(body: Buffer): OpenReceipt
  /** Takes so many from this place on. */
  work(from: number, count: number): void
  /** One that was done is delivered again. */
  redeliver(which: number): void
  pump(parts: Parts): Promise<void>
  reconcileWith(parts: Parts): Reconcile
  /** Its lock runs out, and its job is given to another. */
  died(actor: Actor): void
}

export interface JobsDeps {
  crew: () => Crew
  observing: ObserveDeps
  mintReceipt(): ReceiptId
  clock: () => number
}

const windowMs = 35 * 24 * 60 * 60 * 1000

export function createJobs({ crew, observing, mintReceipt, clock }: JobsDeps): Jobs {
  const acknowledged: OpenReceipt[] = []
  const done: BroughtReceipt[] = []
  const cased = new Set<ReceiptId>()
  const held = new Map<Actor, BroughtReceipt[]>()
  let queue: BroughtReceipt[] = []

  const reconcileWith = (parts: Parts) =>
    createReconcile({
      ...observing,
      intents: parts.intents,
      vault: parts.vault as ReconcileDeps['vault'],
      windowMsOf: () => windowMs,
      clock,
      logger: silentLogger,
    })

  async function apply(parts: Parts, job: readonly BroughtReceipt[]): Promise<void> {
    const failed = await reconcileWith(parts).applyAll(job)
    const again: BroughtReceipt[] = []
    for (const { receipt, error } of failed) {
      if (error.code === 'internal-error') throw error.cause ?? error
      if (error.retry === 'backoff') again.push(receipt)
      else await giveUp(parts, receipt, error)
    }
    const left = new Set(failed.map(({ receipt }) => receipt.id))
    for (const one of job) if (!left.has(one.id) && cased.has(one.id)) await settleCase(parts, one.id)
    queue.push(...again)
    done.push(...job.filter(({ id }) => !left.has(id)))
  }

  async function giveUp({ cases }: Parts, receipt: BroughtReceipt, error: { code: string; detail: string }) {
    cased.add(receipt.id)
    await cases.open({ account, receipt: receipt.id, code: error.code as never, reason: error.detail })
  }

  async function settleCase({ cases }: Parts, id: ReceiptId) {
    await cases.settle(id)
    cased.delete(id)
  }

  return {
    acknowledged,
    cased,
    reconcileWith,
    waiting: () => queue.length,
    callBack(body) {
      const receipt: OpenReceipt = {
        id: mintReceipt(),
        account,
        receivedAt: clock(),
        keyId: 'key',
        digest: createHash('sha256').update(body).digest('hex'),
        headers: {},
        opened: body,
      }
      acknowledged.push(receipt)
      queue.push(receipt)
      return receipt
    },
    work(from, count) {
      if (queue.length === 0) return
      crew().start('worker', async (parts, actor) => {
        // Nothing has been awaited yet: it is taken in the same moment.
        const at = from % queue.length
        const job = queue.slice(at, at + count)
        queue = queue.filter((_, i) => i < at || i >= at + count)
        held.set(actor, job)
        await apply(parts, job).catch((error: unknown) => {
          // Not done, so it comes again.
          queue.push(...job)
          throw error
        })
        held.delete(actor)
      })
    },
    redeliver(which) {
      const one = done[which % Math.max(1, done.length)]
      if (one) queue.push(one)
    },
    async pump({ ready }) {
      await ready.pump(async (receipts) => void queue.push(...receipts))
    },
    died(actor) {
      queue.push(...(held.get(actor) ?? []))
      held.delete(actor)
    },
  }
}
