/** Many may wait for one signal: it bears one listener for all of them, and each leaves without a search. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Answers with what ends the wait. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = waiting.get(signal) ?? listen(signal)
  acts.add(act)
  return () => void acts.delete(act)
}

function listen(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>()
  waiting.set(signal, acts)
  signal.addEventListener('abort', () => [...acts].map((act) => act()), { once: true })
  return acts
}
