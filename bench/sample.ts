/** Of several rounds, what is shown. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

export function spread(values: number[]): string {
  const rounded = values.map(Math.round)
  return `${Math.min(...rounded)} to ${Math.max(...rounded)}`
}

export function shareOf(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
