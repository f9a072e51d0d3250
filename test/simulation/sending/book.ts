/** What a provider of the simulation has really done, and what it may never have been made to do. */
import { ensure } from '../failure.ts'

export type PaidState = 'processing' | 'succeeded' | 'failed' | 'returned'

export interface Paid {
  reference: string
  state: PaidState
  /** Since when it is so. */
  at: number
}

export interface Book {
  /** Its money is on its way: once, whatever comes. */
  pay(reference: string, at: number): void
  /** What was on its way arrives, or does not; what arrived may come back. */
  move(reference: string, to: Exclude<PaidState, 'processing'>, at: number): void
  of(reference: string): Paid | undefined
  all(): Paid[]
}

export function createBook(): Book {
  const paid = new Map<string, Paid>()
  return {
    pay(reference, at) {
      ensure(!paid.has(reference), () => `${reference} is paid twice.`)
      paid.set(reference, { reference, state: 'processing', at })
    },
    move(reference, to, at) {
      const one = paid.get(reference)
      const from = to === 'returned' ? 'succeeded' : 'processing'
      if (one?.state === from) paid.set(reference, { reference, state: to, at })
    },
    of: (reference) => paid.get(reference),
    all: () => [...paid.values()],
  }
}
