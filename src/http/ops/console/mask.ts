/** What is personal is shown so that it can be recognised, and not read. */

/** The first letter of each word; how long they are does not show. */
export function maskName(name: string): string {
  const parts = name.split(/\s+/u).filter((part) => part !== '')
  return parts.map((part) => `${[...part][0] ?? ''}•••`).join(' ')
}
