/**
 * What `AbortSignal.any` is meant to be. That of Node.js 20 holds the signals that it is made of weakly, and a time-out that nobody
 * else holds is collected together with its timer: whoever waited for it waits for ever. Here they live as long as what
 * is made of them.
 */
const madeOf = new WeakMap<AbortSignal, readonly AbortSignal[]>()

export function anySignal(...signals: AbortSignal[]): AbortSignal {
  const any = AbortSignal.any(signals)
  madeOf.set(any, signals)
  return any
}
