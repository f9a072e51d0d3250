/** Tables and diagrams as text. */

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

export interface Edge {
  from: string
  to: string
  by: string
}

/** Edges between the same two are one, with every reason for it. */
export function diagram(start: string, edges: readonly Edge[], final: readonly string[]): string {
  const byEnds = new Map<string, string[]>()
  for (const { from, to, by } of edges) {
    const ends = `${from} --> ${to}`
    byEnds.set(ends, [...(byEnds.get(ends) ?? []), by])
  }
  return [
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${start}`,
    ...[...byEnds].map(([ends, reasons]) => `  ${ends}: ${reasons.join(', ')}`),
    ...final.map((state) => `  ${state} --> [*]`),
    '```',
  ].join('\n')
}

export const code = (text: string) => `\`${text}\``
