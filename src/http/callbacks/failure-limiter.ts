/**
 * Counts the failures of a source, so that one that keeps failing is told to wait and fills no quarantine. It is asked
 * after the verification and never before: behind one proxy the genuine and the forged share an address, and a genuine
 * callback that is refused with a 4xx is lost. A source that has verified is never told to wait, since providers send
 * probes that must fail.
 */

import { neighbourhoodOf } from './source.ts'

export interface FailureLimiter {
  /** How long this source has to wait, in milliseconds; 0 when it may come. */
  waitMs(source: string | undefined): number
  failed(source: string | undefined): void
  verified(source: string | undefined): void
}

interface Source {
  tokens: number
  at: number
  trusted: boolean
}

const failuresAtOnceMax = 20
const refillPerSecond = 1

/** The oldest are forgotten first; a forgotten source begins with a full allowance. */
const sourcesMax = 10_000

export function createFailureLimiter(clock: () => number): FailureLimiter {
  const sources = new Map<string, Source>()

  function look(address: string): Source {
    const now = clock()
    const known = sources.get(address)
    const source: Source = known ?? { tokens: failuresAtOnceMax, at: now, trusted: false }
    source.tokens = Math.min(failuresAtOnceMax, source.tokens + ((now - source.at) / 1000) * refillPerSecond)
    source.at = now
    return source
  }

  function remember(address: string, source: Source): void {
    sources.delete(address)
    sources.set(address, source)
    if (sources.size <= sourcesMax) return
    for (const [oldest, { trusted }] of sources) {
      if (trusted && sources.size <= 2 * sourcesMax) continue
      sources.delete(oldest)
      return
    }
  }

  return {
    waitMs(source) {
      const address = keyOf(source)
      const known = sources.get(address)
      if (!known || known.trusted) return 0
      const { tokens } = look(address)
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / refillPerSecond) * 1000)
    },
    failed(source) {
      const address = keyOf(source)
      const known = look(address)
      if (known.trusted) return
      known.tokens = Math.max(0, known.tokens - 1)
      remember(address, known)
    },
    verified(source) {
      const address = keyOf(source)
      if (sources.get(address)?.trusted) return
      remember(address, { ...look(address), trusted: true })
    },
  }
}

/** An address that cannot be told is one source like any other. */
function keyOf(source: string | undefined): string {
  return source === undefined ? 'unknown' : neighbourhoodOf(source)
}
