/** What comes close together is handed on together: the first at once where it was quiet, the others after a moment. */
export interface Gather<T> {
  add(one: T): void
  stop(): void
}

export interface GatherDeps<T> {
  ms: number
  clock: () => number
  handOn(all: T[]): void
}

export function createGather<T>({ ms, clock, handOn }: GatherDeps<T>): Gather<T> {
  const gathered = new Set<T>()
  let lastAt = 0
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    timer = undefined
    lastAt = clock()
    const all = [...gathered]
    gathered.clear()
    handOn(all)
  }

  return {
    add(one) {
      gathered.add(one)
      if (timer) return
      const left = lastAt + ms - clock()
      if (left <= 0) flush()
      else timer = setTimeout(flush, left)
    },
    stop() {
      clearTimeout(timer)
      gathered.clear()
    },
  }
}
