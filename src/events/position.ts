/** `<milliseconds>-<number>`: a place in the log of one partition, as the server minted it. */

/** Before the first entry. */
export const beginning = '0-0'

/** Older first. */
export function comparePositions(a: string, b: string): number {
  const [aMs, aNumber] = splitPosition(a)
  const [bMs, bNumber] = splitPosition(b)
  return aMs - bMs || aNumber - bNumber
}

export function splitPosition(position: string): [ms: number, number: number] {
  const dash = position.indexOf('-')
  return [Number(position.slice(0, dash)), Number(position.slice(dash + 1))]
}
