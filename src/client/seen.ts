/** Which deliveries were handled, so that a repeat is not handled again: at least once becomes once. */

export interface SeenStore {
  isSeen(id: string): Promise<boolean> | boolean
  /**
   * After it was handled. Who writes what the event led to and its id in one transaction needs no store here, and is safe from
   * a crash between the two as well.
   */
  remember(id: string): Promise<void> | void
}

/** For development, and for one process: what it knows is gone with it, and it knows the newest only. */
export function createMemorySeen(max = 100_000): SeenStore {
  const ids = new Set<string>()
  return {
    isSeen: (id) => ids.has(id),
    remember(id) {
      ids.add(id)
      for (const oldest of ids) {
        if (ids.size <= max) break
        ids.delete(oldest)
      }
    },
  }
}
