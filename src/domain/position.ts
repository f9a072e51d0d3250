/** `<milliseconds>-<number>`, as the server minted it: a place in the log of one partition. Older first. */
export function comparePositions(one: string, other: string): number {
  const [ms, number] = split(one)
  const [otherMs, otherNumber] = split(other)
  return ms - otherMs || number - otherNumber
}

function split(position: string): [ms: number, number: number] {
  const dash = position.indexOf('-')
  return [Number(position.slice(0, dash)), Number(position.slice(dash + 1))]
}
