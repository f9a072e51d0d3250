/** Something that must never be. */
export class Broken extends Error {}

export function ensure(holds: unknown, what: string | (() => string)): asserts holds {
  if (!holds) throw new Broken(typeof what === 'string' ? what : what())
}

/** In one form whatever is in it, so that two can be compared as texts. */
export function show(value: unknown): string {
  return JSON.stringify(value, (_, one) => {
    if (typeof one === 'bigint') return `${one}n`
    if (one && typeof one === 'object' && !Array.isArray(one) && !Buffer.isBuffer(one))
      return Object.fromEntries(
        Object.entries(one as object)
          .filter(([, field]) => field !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      )
    return one as unknown
  })
}

/** Whether two are the same all through; a field that is undefined is none. */
export function alike(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((one, i) => alike(one, b[i]))
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const name in one) if (!alike(one[name], other[name])) return false
  for (const name in other) if (other[name] !== undefined && one[name] === undefined) return false
  return true
}
