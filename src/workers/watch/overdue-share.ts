/** Says in the log when more of an account's payouts take too long than before, in steps; and again once it was better. */
import type { Watch } from '../../store/watch.ts'
import type { Logger } from '../../telemetry/logger.ts'

const steps = [1, 5, 20, 50]

export type ReportOverdueShare = () => Promise<void>

export function createOverdueShare({
  account,
  watch,
  logger,
}: {
  account: string
  watch: Pick<Watch, 'count'>
  logger: Logger
}): ReportOverdueShare {
  let reached = 0
  return async () => {
    const { pending, overdue } = await watch.count(account)
    const percent = pending === 0 ? 0 : (overdue / pending) * 100
    const now = steps.filter((step) => percent >= step).length
    if (now > reached) {
      const share = Math.round(percent * 10) / 10
      logger.warn('account.overdue-share', { account, percent: share, pending, overdue })
    }
    reached = now
  }
}
