/**
 * Many may wait for one signal: it bears one listener for all of them, and each leaves without a search. With the last one the
 * listener goes as well, since a signal that is made of others is kept for as long as somebody listens to it.
 */
interface Wait {
  acts: Set<() => void>
  run: () => void
}

const waits = new WeakMap<AbortSignal, Wait>()

/** Answers with what ends the wait. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const { acts, run } = waits.get(signal) ?? listen(signal)
  acts.add(act)
  return () => {
    if (!acts.delete(act) || acts.size > 0) return
    signal.removeEventListener('abort', run)
    waits.delete(signal)
  }
}

function listen(signal: AbortSignal): Wait {
  const acts = new Set<() => void>()
  const run = () => {
    for (const act of [...acts]) act()
  }
  const wait = { acts, run }
  waits.set(signal, wait)
  signal.addEventListener('abort', run)
  return wait
}
