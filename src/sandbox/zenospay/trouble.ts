/** What goes wrong with an answer, once for each payout and call: asked again, it goes well. */
import type { Response } from 'express'
import type { Courier } from '../courier.ts'
import type { Fate } from '../fates.ts'

interface Struck {
  reference: string
  fate: Fate
}

export interface Trouble {
  /** Answered 429, and nothing else was done. */
  isBusy(payout: Struck, call: string, res: Response): boolean
  /** The server breaks before the order is taken; of the payouts that it strikes so, every second one. */
  isLost(payout: Struck): boolean
  /** It breaks though the order was taken, or though only a question was asked. */
  isBroken(payout: Struck, call: string): boolean
  isUnanswered(payout: Struck): boolean
  break(res: Response): void
  hang(res: Response): void
}

export function createTrouble({ courier, hangMs }: { courier: Courier; hangMs: number }): Trouble {
  const struck = new Set<string>()

  function strikesFirst(
    name: 'too-many-requests' | 'server-error',
    { fate, reference }: Struck,
    call: string,
  ): boolean {
    const key = `${name} ${call} ${reference}`
    if (!fate.has(name) || struck.has(key)) return false
    struck.add(key)
    return true
  }

  return {
    isBusy(payout, call, res) {
      if (!strikesFirst('too-many-requests', payout, call)) return false
      res.status(429).set('retry-after', '1').json({ status: false, message: 'Too Many Attempts.' })
      return true
    },
    isLost: (payout) =>
      payout.fate.random('lost-order') < 0.5 && strikesFirst('server-error', payout, 'transfer'),
    isBroken: (payout, call) => strikesFirst('server-error', payout, call),
    isUnanswered: ({ fate }) => fate.has('timeout-after-accepting'),
    break: (res) => void res.status(500).json({ message: 'Server Error' }),
    hang: (res) => courier.later(hangMs, () => res.destroy()),
  }
}
