/** So many at once, and each of two lanes has its half of that; what one does not need the other may have. */
import { type Lane, lanes } from '../../store/keys.ts'

export interface Pool {
  /** How many more of this lane may begin; `alone`: nobody waits in the other. */
  free(lane: Lane, alone: boolean): number
  /** Never rejects. */
  run(lane: Lane, act: () => Promise<void>): void
  /** All that is under way has ended. */
  drained(): Promise<void>
}

export function createPool(size: number, onEnd: () => void, onFailure: (error: unknown) => void): Pool {
  const half = Math.max(1, Math.floor(size / lanes.length))
  const underWay: Record<Lane, Set<Promise<void>>> = { send: new Set(), ask: new Set() }
  const total = () => underWay.send.size + underWay.ask.size
  return {
    free: (lane, alone) => Math.max(0, Math.min(size - total(), alone ? size : half - underWay[lane].size)),
    run(lane, act) {
      const one = act()
        .catch(onFailure)
        .finally(() => {
          underWay[lane].delete(one)
          onEnd()
        })
      underWay[lane].add(one)
    },
    async drained() {
      while (total() > 0) await Promise.all([...underWay.send, ...underWay.ask])
    },
  }
}
