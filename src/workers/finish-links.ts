/**
 * Makes the links that a crash left undone (`store/links.ts`), and says what it means where a name leads elsewhere: two
 * coupons of ours cannot bear one number, so a person has to look at the one that came second.
 */
import { openHeldCase } from '../domain/case.ts'
import { contestCoupon } from '../domain/decide-coupon.ts'
import type { ReceiptId } from '../domain/ids.ts'
import type { CommitRequest } from '../store/commit.ts'
import { aliasIdOf } from '../store/ids.ts'
import type { IntentStore } from '../store/intents.ts'
import type { Link, Links } from '../store/links.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface FinishLinksDeps {
  partitions: number
  links: Links
  intents: Pick<IntentStore, 'find' | 'commit'>
  clock: () => number
  logger: Logger
}

/** Says how many were finished; where any were, what they made ready goes on at once. */
export type FinishLinks = (pumpReady?: () => Promise<unknown>) => Promise<number>

export function createFinishLinks(deps: FinishLinksDeps): FinishLinks {
  const { links, intents, logger } = deps

  async function finish(partition: number): Promise<number> {
    const due = await links.listDue(partition)
    const outcomes = await links.make(due)
    const taken = due.filter((_, i) => outcomes[i]?.outcome === 'taken')
    for (const link of taken) await attempt(link)
    return due.length - taken.length
  }

  /** One that cannot be looked at now, as while the archive is away, keeps nobody from theirs. */
  async function attempt(link: Link): Promise<void> {
    try {
      await contest(link)
    } catch (error) {
      logger.warn('link.not-finished', { intentId: link.to, error })
    }
  }

  /** It stays due where a person has the coupon for another reason: once that is settled, this comes up. */
  async function contest(link: Link): Promise<void> {
    const coupon = await intents.find(link.to)
    const number = coupon?.kind === 'coupon' ? coupon.couponNumber : undefined
    if (coupon?.kind !== 'coupon' || number === undefined) return links.drop(link)
    const { id, account, hold } = coupon
    const isSaid = hold?.reason === 'provider-reference-taken'
    if (isSaid || aliasIdOf('coupon', account, number) !== link.name) return links.drop(link)
    const decision = contestCoupon(coupon, deps.clock())
    if (!decision) return
    const request = describeContest(decision, coupon.settledBy, deps.clock())
    if ((await intents.commit({ ...request, before: coupon })).outcome !== 'committed') return
    logger.warn('coupon.contested', { couponId: id, account })
    await links.drop(link)
  }

  return async (pumpReady) => {
    let finished = 0
    for (let partition = 0; partition < deps.partitions; partition++) finished += await finish(partition)
    if (finished > 0) await pumpReady?.()
    return finished
  }
}

/** The answer that brought the number is what contradicts, and nothing of this coupon's own; a registration has none. */
function describeContest(
  { steps, reason }: NonNullable<ReturnType<typeof contestCoupon>>,
  broughtBy: string | undefined,
  at: number,
): Omit<CommitRequest, 'before'> {
  const receipt = broughtBy as ReceiptId | undefined
  const held = steps.at(-1)?.intent
  const source = receipt ? ('submission' as const) : ('registration' as const)
  return {
    steps,
    because: { source, reason, ...(receipt && { receipt }) },
    ask: true,
    ...(held?.hold && { case: { after: openContest({ ...held, hold: held.hold }, receipt, at) } }),
    at,
  }
}

function openContest(held: Parameters<typeof openHeldCase>[0], receipt: ReceiptId | undefined, at: number) {
  return openHeldCase({ ...held, settledBy: undefined }, receipt, at)
}
