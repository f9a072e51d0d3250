import type { Resolve } from './connector.ts'

/**
 * Who asks for a name that is being asked for already gets the same answer. The system's look-ups share a few threads with
 * files and cryptography: a name that nobody answers for must not take all of them at once.
 */
export function shareLookups(resolve: Resolve): Resolve {
  const asked = new Map<string, ReturnType<Resolve>>()
  return (host) => {
    const known = asked.get(host)
    if (known) return known
    const asking = resolve(host).finally(() => asked.delete(host))
    asked.set(host, asking)
    return asking
  }
}
