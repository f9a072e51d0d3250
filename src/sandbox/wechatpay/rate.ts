/** How many requests a call takes in a time; what is over that is 429. */
export interface Rate {
  takes(call: string): boolean
}

/** Per second and merchant, but for coupons, which are counted by the minute. */
export const documentedRates: Record<string, { count: number; perMs: number }> = {
  batches: { count: 50, perMs: 1000 },
  'batch-query': { count: 50, perMs: 1000 },
  'batch-query-by-number': { count: 50, perMs: 1000 },
  'detail-query': { count: 50, perMs: 1000 },
  'detail-query-by-number': { count: 50, perMs: 1000 },
  coupons: { count: 1000, perMs: 60_000 },
  certificates: { count: 1000, perMs: 1000 },
}

export function createRate(clock: () => number, rates = documentedRates): Rate {
  const windows = new Map<string, { since: number; count: number }>()
  return {
    takes(call) {
      const rate = rates[call]
      if (!rate) return true
      const now = clock()
      const held = windows.get(call)
      const window =
        held && now >= held.since && now < held.since + rate.perMs ? held : { since: now, count: 0 }
      windows.set(call, window)
      window.count++
      return window.count <= rate.count
    },
  }
}
