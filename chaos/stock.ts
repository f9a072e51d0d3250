/**
 * Signed callbacks made ahead. A signature costs many times what the receiver does for a callback, so the load would
 * otherwise wait for signatures; they are made while the receiver starts and recovers.
 */
export interface Stock<T> {
  take(): Promise<T>
  /** Nothing more is made; resolves when nothing is being made. */
  close(): Promise<void>
}

export function createStock<T>(make: () => Promise<T>, sizeMax: number, makersMax: number): Stock<T> {
  const ready: T[] = []
  const waiting: ((item: T) => void)[] = []
  const making = new Set<Promise<void>>()
  let closed = false

  async function makeOne(): Promise<void> {
    const item = await make()
    const taker = waiting.shift()
    if (taker) taker(item)
    else ready.push(item)
  }

  function fill(): void {
    while (!closed && making.size < makersMax && ready.length + making.size < sizeMax + waiting.length) {
      const work = makeOne().finally(() => {
        making.delete(work)
        fill()
      })
      making.add(work)
    }
  }

  fill()
  return {
    take() {
      const item = ready.shift()
      const taken =
        item === undefined ? new Promise<T>((resolve) => waiting.push(resolve)) : Promise.resolve(item)
      fill()
      return taken
    },
    async close() {
      closed = true
      await Promise.all(making)
    },
  }
}
