/**
 * Jobs that arrive while others are under way are applied with those that arrive beside them: a round of many costs hardly
 * more than a round of one, and what few rounds have under way is soon done with and not collected as garbage late. One job
 * learns nothing of another: what fails in company for no reason that is known is tried again by itself.
 */
import type { BroughtReceipt } from './observe.ts'
import type { FailedReceipt, Reconcile } from './reconcile.ts'

/** What the worker needs of the reconcile handler. */
export interface ApplyReceipts {
  /** Throws an AppError whose `retry` says whether it may pass. */
  applyOne(receipt: BroughtReceipt): Promise<unknown>
  applyAll(receipts: readonly BroughtReceipt[]): Promise<FailedReceipt[]>
}

/** One waits for Redis while another decides; a slow one does not hold up all. */
const underWayMax = 4
/** Two groups. */
const receiptsMax = 128

/** Of one job. */
interface Share {
  receipts: readonly BroughtReceipt[]
  resolve(failed: FailedReceipt[]): void
  reject(error: unknown): void
}

export function shareRounds({ applyAll }: Pick<Reconcile, 'applyAll'>): ApplyReceipts {
  const waiting: Share[] = []
  let underWay = 0

  /** From the front, at least one. */
  function take(): Share[] {
    let receipts = 0
    const end = waiting.findIndex((share) => {
      receipts += share.receipts.length
      return receipts > receiptsMax
    })
    return waiting.splice(0, end < 0 ? waiting.length : Math.max(1, end))
  }

  async function applyShares(shares: readonly Share[]): Promise<void> {
    const failed = await applyAll(shares.flatMap(({ receipts }) => receipts))
    const errors = new Map(failed.map((one) => [one.receipt, one]))
    for (const share of shares) {
      const own = share.receipts.flatMap((receipt) => errors.get(receipt) ?? [])
      const isUnclear = own.some(({ error }) => error.code === 'internal-error')
      if (isUnclear && shares.length > 1) await applyAll(share.receipts).then(share.resolve, share.reject)
      else share.resolve(own)
    }
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const shares = take()
      await applyShares(shares).catch((error: unknown) => {
        for (const { reject } of shares) reject(error)
      })
    }
    underWay--
  }

  function join(receipts: readonly BroughtReceipt[]): Promise<FailedReceipt[]> {
    return new Promise((resolve, reject) => {
      waiting.push({ receipts, resolve, reject })
      if (underWay === underWayMax) return
      underWay++
      // Whoever else has come by then goes along.
      setImmediate(work)
    })
  }

  return {
    async applyOne(receipt) {
      const [failed] = await join([receipt])
      if (failed) throw failed.error
    },
    applyAll: join,
  }
}
